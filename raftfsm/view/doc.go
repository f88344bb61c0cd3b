// Package view is what readers see of the state without its lock.
//
// Sales has a view of each sale, replaced when a batch changed it; readers load a
// pointer. Changes has the newest orders that changed, by the height of the journal's
// block, for who waits on an order. Both are written by the one goroutine that applies
// batches, after it decided one, and read by any number of others.
//
// Each has one lock that the writer holds only while it swaps pointers: readers that ask
// for what changed after a decision must see all of a batch or nothing.
//
// What it trades off: a list of many sales may be 100 ms old, since copying 10,000 of
// them for every reader of every batch costs more than it is worth. Changes forgets: who
// comes late is told that any order may have changed, and looks again. Both are lost
// with the process and filled again from the state.
package view
