// Package stream tells buyers and sellers of changes without their asking again and again.
//
// Event streams (https://html.spec.whatwg.org/multipage/server-sent-events.html) of buyers
// are written by a few goroutines for all who listen, not by one for each: a sale's event
// is encoded once, and a subscriber costs its connection and a few words. A subscriber
// that does not read is never waited for: what does not fit its socket's buffer is left
// out, because the next event says everything anew, and who reads nothing for half a
// minute is let go. The id of an event is a version of what it shows, the same on every
// node, so that who comes back with it, here or elsewhere, is told only what is new.
//
// A long poll (Polls) holds a request until its order changes, for who cannot read a
// stream. Sellers are few and get a goroutine each.
//
// What is told of is behind Source; the hub knows neither clusters nor replicas.
//
// # Trade-offs
//
//   - Changes between two events are not told one by one: a stream shows states, not
//     history. The feed of the journal has that.
//   - All streams share a few writers, so that with very many of them each hears less
//     often (broadcastShare) instead of the sale getting less of the processor.
//   - Over TLS a write cannot be tried without waiting, so a subscriber there may cost
//     slowWriteMax once, and then ends.
//   - A long poll holds a goroutine and a buffer for as long as it waits; a stream holds
//     neither. Polls have the lower bound.
package stream
