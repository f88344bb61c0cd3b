// Package report tells the course of one sale from a journal: how many asked in
// each second, what became of them, and where the tickets were. It writes that as
// text, CSV, JSON and as one HTML page with charts that needs nothing else.
//
// # One pass
//
// Run reads a journal's blocks once, in order, and holds no more than: one running
// total, a mark of it at the end of each row (RowsMax), and the live orders of the
// sale (LiveOrdersMax), because a decision to cancel an order does not say whether
// the order waited or held tickets. Refused requests, which are nearly all of a hot
// sale, leave nothing behind. It changes nothing, and may run on the folder of a
// node that is writing it: it reads as far as the writing has come.
//
// # Two sources
//
// The replica counts for itself while it decides (sequencer.Counters). Where Run is
// given its view of the sale, it reads exactly up to the decision of that view and
// compares every number of the report; what differs is the report's mismatch. So
// a mistake here, or there, shows. Without a view it still checks that the journal
// agrees with itself: tickets add up, and every order that moves was there.
//
// # Trade-offs
//
//   - A pass reads the journal from its first block, whatever the sale, at some
//     hundred megabytes a second: minutes when a billion requests are in it. A
//     node does one pass at a time and remembers the newest; for more copy the
//     folder.
//   - A journal that begins after a snapshot tells nothing of the sales that are
//     older: ErrJournalIncomplete.
//   - Rows follow the log's time, in which all of a batch happens at once.
package report
