//go:build race

package simulation

const seedsByDefault = 40

const raceEnabled = true
