//go:build race

package sequencer_test

// raceEnabled leaves out tests that are one goroutine's work of seconds, and of
// minutes with the race detector.
const raceEnabled = true

// seedsByDefault is few, because every seed takes five times as long.
const seedsByDefault = 40
