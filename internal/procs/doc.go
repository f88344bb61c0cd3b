// Package procs runs other programs as processes: it starts them with what they are
// given, keeps what they write, waits until they are ready, stops, pauses and kills them,
// and finds loopback addresses that they can listen on. Tests of the program, the nemesis
// and the benchmarks share it; bench is part of the production binary, so the package is
// neither in the wing of tests nor imports anything that only tests need.
//
// A Process is one run, from its start to its end. Who starts a program again keeps its
// Config and gets another Process, so no method has to ask which run it speaks of, and all
// of them may be called at once.
//
// A process writes its output straight into a file. No goroutine copies it: an output
// of gigabytes costs no memory, and a process' end is known when it ends, not when the last
// grandchild has closed a pipe. Whoever waits for a process to be ready waits for its end
// too, so one that dies at its start fails the wait at once, with the end of its output.
//
// No process is left behind: on Linux the kernel kills it when its parent ends, however
// that ends. Elsewhere it outlives a parent that is killed.
//
// What this trades off: the output's lines are found by reading the file again and again,
// at most for as long as a program starts; and the kernel's signal comes when the thread that
// started a process ends, so Start must not be called by a goroutine that locked its thread
// and ends before the process.
package procs
