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
// cut to milliseconds, ids and cursors are opaque.
package contract
