//go:build !race

package simulation

const seedsByDefault = 300

const raceEnabled = false
