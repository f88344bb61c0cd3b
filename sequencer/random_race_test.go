//go:build race

package sequencer_test

// seedsByDefault is few, because every seed takes five times as long.
const seedsByDefault = 40
