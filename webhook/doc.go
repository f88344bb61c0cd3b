// Package webhook sends the events of a cluster's feed to shops' servers: signed as Standard
// Webhooks has it, at least once, in order for each subject (an order, a sale).
//
//	Engine     all endpoints of a configuration, and what people ask of them
//	courier    one endpoint: reads the feed, makes attempts, puts off, gives up
//	queue      which event may go next; a value without a clock or goroutines
//	sender     one attempt: a signed POST to an address that was judged
//	State      what must survive, in a bbolt file
//
// Each endpoint follows the feed by itself, from a position of its own, so that one that takes
// nothing holds up no other. Of one order only the first event that is not delivered is under way;
// of many orders, as many as the endpoint may have. An event is sent for 72 hours and is a dead
// letter then; an endpoint that takes nothing for so long is stopped before that, so that an outage
// makes no dead letters. What is not read stays in the feed, so that what waits here is bounded.
//
// What if we die
//
//   - before events that were read are in the file: the position is not either, they are read again;
//   - behind that: they are in the file, and sent by the next process;
//   - before or while one is sent: it is sent, perhaps again;
//   - after the receiver took it and before that is in the file: it is sent again, under the same id,
//     and no later event of its order was sent before, because that waits for the file;
//   - while a dead letter is made, or taken back: one change has both ends of it.
//
// A commit of the file that fails ends the process: after a failed sync nobody knows what was kept.
// A disk that is nearly full stops the reading, not the deliveries. The wall clock is in what is
// signed, because receivers check it; how long an event was tried is counted by the time that
// passes while a process runs, so that a clock that jumps gives nothing up.
//
// What it trades off: progress is no command of the cluster's log, which it would fill, but a file
// of this process. Who loses the file begins anew where the configuration says. Two processes on
// two files send everything twice. bbolt has no checksum of its pages, so each value has one: what
// is damaged is noticed, and not mended.
package webhook
