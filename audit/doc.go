// Package audit proves afterwards that a sale was fair, from nothing but a
// journal directory. Three independent opinions are held against what the
// journal says was decided:
//
//   - the chain: every block has its hash, follows the one before, and its
//     height, raft index, log time and seq go on where the last one ended
//   - a second decision: every batch is decided again by naive.Model, which was
//     written from the rules' prose, and each decision and event is compared;
//     sequencer.State decides it too, and its hash must be the block's
//   - a ledger, which knows the promises and not the rules: it keeps books from
//     the recorded decisions alone, and checks that tickets are never counted
//     twice, no user is over the cap, nobody is passed over, no hold ends early
//     or late, and that every order's life is a possible one
//
// The ledger is what names the wrong: a re-decision only says that something is
// different. It can be asked alone (Options.LedgerOnly). All that is asserted stands
// in one table, checks, and the tests break each of its rows by a journal of its own.
//
// # What an audit cannot know
//
// A journal whose newest blocks were taken away is a shorter journal: compare
// the chain head of the report with another replica's, or give it as
// Options.Contains. A journal that begins after a snapshot has its chain and
// its sequence checked, and nothing else: its verdict is never clean.
//
// # Trade-offs
//
// The books are kept in memory: about 700 bytes an order, nothing for a refusal
// without an idempotency key.
package audit
