// Package feed tells what a journal decided as events, page by page: every change of orders,
// payments and sales, in order, without gaps.
//
// An event is made of its block and of facts about its order that never change, so that it is the
// same on every replica and whenever it is asked for. Its id is the block's birth and height and the
// place in the block. A place follows from where the decision, or event, stands among the block's,
// not from what is shown of it: a later release that tells more gives nothing another id.
//
// Pages are read from the node's own journal, one at a time, in the order in which they were asked
// for, and each is followed by a pause as long as it took (Service.turn). So reading for all of them
// together costs at most half a processor, and a page of memory each; what decides waits for none of
// them but for the few facts that are looked up at a time (factsMax).
//
// # Trade-offs
//
//   - A command whose answer was lost and which is given again is decided again, and is taken again
//     where that changes nothing: a buyer who cancels twice. It is an event again, of the same state.
//     Telling them apart needs the state before every block. A payment that is accepted twice is told
//     once: an order knows by which decision it was paid.
//   - Who waits when a sale is closed or cancelled is cancelled by that decision, a million orders at
//     once; the sale's event stands for all of them.
//   - Readers that are far behind share what one turn after the other gives.
package feed
