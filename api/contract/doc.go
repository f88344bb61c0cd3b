// Package contract holds what the server and its clients must agree on: the
// JSON shapes of the HTTP API, and the one table from errors to HTTP status and
// machine code. It knows neither side's HTTP library.
//
// A decision (application/json) carries the word of its outcome in "status". A
// protocol error (application/problem+json, RFC 9457) carries a number there.
// The two are never mixed: 2xx means that the request has a place in the one
// global order.
//
// Money is in minor units of a currency (ISO 4217), times are RFC 3339 in UTC
// cut to milliseconds, ids and cursors are opaque. An order's uid says its cluster, its
// sale and its seq, so that any front-end finds it without a directory.
//
// # Trade-offs
//
//   - Shapes are made of the sequencer's views here and nowhere else, so this package
//     imports the rules. A shape cannot change by accident with a view, and a new field
//     has to be named twice.
//   - The answer to a buy is encoded by hand (AppendDecision), because encoding/json
//     allocates and nothing else on that way does. A fuzz test holds the two together.
//   - A version of what is shown (SaleTag, OrderTag) is a hash of 64 bits, the same on
//     every node and not a count: two states may share one by chance, once in billions of
//     billions, and a client then keeps the older until the next change.
package contract
