//go:build race

package simulation

const seedsByDefault = 10

// depthByDefault is less than make simulate's 8, which takes minutes.
const depthByDefault = 3
