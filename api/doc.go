// Package api is the HTTP side of the box office: a listener for buyers
// (Public, on fasthttp), one for sellers and operators (Private, on net/http),
// their tokens, and what is counted of them. Package contract has the shapes and
// the errors that go over the wire, package client the other end.
//
// # Rules
//
// Everything that can be refused without a place in the order is refused
// before Decide, and everything that the rules of a sale decide is left to
// Decide. So 2xx is a sequenced decision (or a read), and 4xx and 5xx mean that
// the request was never in line. The exceptions are the sequencer's codes that
// are protocol errors (contract.KindOfDecision): they carry their seq.
//
// A request has one reading or none. Public checks the raw bytes of the target
// and the header before anything decodes them, and refuses what the HTTP library
// would accept but a proxy in front might read otherwise: folded lines, bare
// line feeds, lines that came twice, percent-encoding and empty or dot segments
// in the path, any body. So are empty lines before a request and a bare line feed
// after the request line, which the library drops silently: the connection itself
// sees where requests begin (framing.go). RFC 9112 would allow both, but not
// everybody does. Whole URIs as targets, which only proxies are sent, are refused. A
// connection that broke these rules is closed. testdata/raw.txt is the table of all
// forms that we know.
//
// Connections come in by the door (door.go), which bounds them in all and for each
// address, tells those beyond a problem as any other, and empties the listener when it
// stops.
//
// A read of an order waits a bounded time for this replica to reach the order's
// seq. Every list and view says as of which seq it is.
//
// Nothing of a request outlives it: what Decide gets refers to the remembered
// token and to pooled memory, and Decide keeps neither.
//
// # Who is let in
//
// A request passes in this order, each step dearer than the one before: the raw
// checks, the limit of its sender's network (sender.go says who that is behind
// proxies), its token, the limit of its user, the gate. Only then it is asked
// what it wants of the sale. Each is off when it is not configured, but the
// token and the user's limit.
//
// # The buy path
//
// It is matched before the router and allocates nothing: a pooled request, a
// remembered token (package auth), one look at each header line (header.go)
// and an append-only encoder of its one answer (decision.go), which fuzz tests
// hold to net/http, net/url and encoding/json. Its cost against a bare handler
// that answers a constant is measured by BenchmarkBuyAgainstBare.
//
// # Trade-offs
//
//   - A follower answers unknown-sale and sale-required from its own replica,
//     which may be a moment behind the leader's.
//   - A seller's change of the quantity is sequenced as a difference to what
//     this node shows. One node's changes are made one after the other; two
//     nodes' cannot meet, because only the leader's are decided.
//   - A connection that is refused before its TLS handshake is closed without a
//     problem: to tell it one would make all others wait for its handshake.
//   - A client that sends empty lines between its requests, as some did thirty years
//     ago, is refused.
package api
