// Package export makes rows of a journal, for a SQL database or a spreadsheet: sales, orders,
// attempts to pay, and a ledger of the money that moved.
//
// It holds no rules. The batches are decided again by sequencer.State, from the first block on,
// and rows are what its views say: so an order's row can say nothing that an inquiry would not.
// The price is a state in memory, as large as a node's, and reading the journal from its beginning
// at every start: some millions of decisions a second.
//
// The ledger (Movements) is what an order's captured and returned money is after a batch less
// what it was before. Both are computed from the views, so whatever way money took, by hand or by
// the provider, in parts or whole, the sums of the ledger are what the views say at every moment.
//
// # Trade-offs
//
//   - Two changes of one order within a batch are one row, and one movement: nobody can have seen
//     the first.
//   - Positions in the waitlist are not exported: each purchase would change thousands.
//   - Attempts are kept in memory, about 200 bytes each, because decisions say one step of an
//     attempt at a time and rows are whole.
package export
