// Package api is the HTTP side of the box office: a listener for buyers (Public, on
// fasthttp) and one for sellers and operators (Private, on net/http), with what is
// counted of both.
//
// Its parts know nothing of it: auth says who asks, conn lets connections in, strict
// reads requests, stream tells of changes, limit and challenge hold back who asks too
// much; contract has the shapes and errors that go over the wire, client is the other
// end. What the API needs of a cluster is declared here (Backend, Payments) and filled
// by the command.
//
// # Rules
//
// Everything that can be refused without a place in the order is refused before Decide,
// and everything that the rules of a sale decide is left to Decide. So 2xx is a sequenced
// decision (or a read), and 4xx and 5xx mean that the request was never in line. The
// exceptions are the sequencer's codes that are protocol errors
// (contract.KindOfDecision): they carry their seq.
//
// A request has one reading or none (package strict). A connection that broke the rules
// is closed. testdata/raw.txt is the table of all forms that we know, byte for byte with
// their answers.
//
// A read of an order waits a bounded time for this replica to reach the order's seq.
// Every list and view says as of which seq it is.
//
// Nothing of a request outlives it: what Decide gets refers to the remembered token and
// to pooled memory, and Decide keeps neither.
//
// # Who is let in
//
// A request passes in this order, each step dearer than the one before: the strict
// checks, the limit of its sender's network, its token, the limit of its user, the gate.
// Only then it is asked what it wants of the sale. Each is off when it is not configured,
// but the checks, the token and the user's limit.
//
// # The buy path
//
// It is matched before the router and allocates nothing: a pooled request, a remembered
// token, one look at each header line and an append-only encoder of its one answer
// (contract.AppendDecision), which fuzz tests hold to net/http, net/url and
// encoding/json. No part is behind an interface there but the Backend. Its cost against a
// bare handler that answers a constant is measured by BenchmarkBuyAgainstBare.
//
// # Trade-offs
//
//   - Two HTTP libraries: fasthttp for buyers, because it allocates nothing a request, and
//     net/http for the rest, because it is what everybody knows. Handlers of one cannot be
//     used by the other.
//   - A follower answers unknown-sale and sale-required from its own replica, which may be
//     a moment behind the leader's.
//   - A seller's change of the quantity is sequenced as a difference to what this node
//     shows, for the revision that was read. Two sellers at once cost one of them another
//     try.
//   - Reads are refused before buys under load (admission.go), so a crowd that only looks
//     sees errors while the sale goes on.
package api
