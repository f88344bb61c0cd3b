//go:build !race

package sequencer_test

const raceEnabled = false

const seedsByDefault = 100
