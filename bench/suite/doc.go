// Package suite runs what measures the targets T1 to T9: the benchmarks of the
// packages, the comparison with peers and `onsale bench`, each as a process of its own
// under a time limit. It measures nothing itself; it says what to run, how often, in
// which turn, and which number of the output is which figure.
//
// Whatever is a ratio is measured in rounds, and within a round everybody has a turn,
// so that all see the same machine. A step that fails does not end the run: its
// figures say why they are not there, and the document is written after every step.
//
// # Trade-offs
//
// It is a program of its own (cmd/benchsuite) and no part of onsale: it needs the
// source tree and the Go tool, which an operator has not, and what is measured should
// not change because the measuring changed. Steps read the JSON and the benchmark lines
// that their commands print, so a command that is renamed breaks its step; it says so.
package suite
