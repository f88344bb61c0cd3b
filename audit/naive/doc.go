// Package naive is a second, deliberately dumb implementation of the rules in
// package sequencer's documentation: maps, slices and loops over everything.
// It was written from the prose and not from the code, so that a mistake in one
// is a difference between the two. The random tests of sequencer and the audit
// of a journal compare every decision with it.
//
// It shares with sequencer only the types of the contract (batches, decisions,
// views, bounds) and the reading of a sale spec.
//
// # Trade-offs
//
// Two things are less dumb than they could be, because a journal of ten million
// requests must be audited in seconds: users are found by a map, and due timers
// by a heap whose stale entries are skipped. Everything else costs what a loop
// costs: taking an order out of the middle of a waitlist moves all that follow.
package naive
