// Package orderindex finds in a journal what happened to one order: at which heights its
// blocks lie. It is an index beside the journal, made from it and of it alone, by a goroutine of
// its own that reads blocks which were applied: the goroutine that decides knows nothing of it.
//
// # Shape
//
// A pair is an order and a height. What is newest waits in memory, at most PairsMax pairs; then
// it is sorted and written as a run (run.go), a file that is never changed. FanIn neighbouring
// runs of about one size are merged into one (merge.go), so that there are few whatever the
// journal's length, and a search is a read of 64 KiB in each. Refused buys belong to no order and
// have no pair.
//
// # What if we die here
//
// A run is written under another name, synced and renamed, so that a name stands for a whole
// file; what is found under other names is deleted. What was in memory is read from the journal
// again. A run names the hash of its last block: one of another history, as after a restore into
// the folder, is deleted and made again, and so is one that is damaged. Deleting the folder of a
// node that is stopped, or any file in it, loses nothing.
//
// # Trade-offs
//
//   - A block that is found is read and decoded whole. Its segment's places are looked up when it
//     is an old one (package wal), which is most of a cold search's time.
//   - While the index is made anew it takes a fourth of a processor (Share), so that a billion
//     decisions take some tens of minutes, in which the orders of later blocks are told as behind.
//   - The runs are no part of a backup: they are cheaper to make than to copy.
package orderindex
