//go:build !race

package sequencer_test

const seedsByDefault = 100
