//go:build race

package sequencer_test

// raceEnabled leaves out tests that are one goroutine's work of seconds, and of
// minutes with the race detector.
const raceEnabled = true
