// Package capacity plans machines from what the suite measured: how many cores, how much
// memory, disk and network a load takes. Every number is a measured one times a load, and
// says which; what was not measured is said to be so and never guessed.
//
// # Trade-offs
//
// It multiplies. Costs are of this machine's cores; a core of another machine is a factor
// that only a run of the suite on it can tell. What two processes on one machine do to
// each other's caches is in the figures; what a network does is not.
package capacity
