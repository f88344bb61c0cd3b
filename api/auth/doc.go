// Package auth says who sends a request and what they may do, from the bearer token
// alone: no session is kept and nobody is asked.
//
// # Who may sign
//
// A token is a JSON Web Token (RFC 7519), signed with HS256 by a secret of ours, or with
// RS256, ES256 or EdDSA by the identity provider where buyers log in (RFC 7517 key set).
// Each key has one algorithm, and what a token's
// header says cannot choose another: a public key is never taken for a secret. Issuer
// and audience belong to who signed, so that no key speaks in another's name.
//
// There may be several secrets: the newest signs, all verify, so that one is rotated without
// a token that stops working. A token is taken back before it ends by removing what signed it,
// which ends all of that key's, or by a line about its user or its id (Revocations). The three
// files are read again when they change (Follower); one that does not load changes nothing.
//
// # By which name
//
// Where buyers have pseudonyms (package pseudonym), the token's user is turned into them here, once,
// when the token is verified, and both names are remembered with it: the user's own for what only
// this process knows (limits, revocations), the pseudonyms for everything that goes further.
//
// # What it costs
//
// A token that was verified is remembered with its bytes (cache.go), so that every later
// request costs a hash and a comparison, without a lock and without an allocation. In a
// sale nearly every buyer's first request is the only one, so the first verification
// counts as much: a token with the header that nearly everybody writes is checked by
// keyed hashes that are set up already (usual.go), and claims as nearly everybody writes
// them are read in one pass (plain.go). All others go golang-jwt's way. A fuzz test holds
// the two ways to the same answer, and golang-jwt's validator judges the claims in both.
//
// # Trade-offs
//
//   - Each process has its own copy of the files: a token is revoked, and a secret known,
//     where the file says so. Whoever distributes them must reach every node and front-end;
//     in return a revocation needs no log entry, no leader, and works while there is none.
//   - Revocations are asked of each request, one or two looks into a map, because a
//     remembered token is not verified again.
//   - When a key or a secret is removed all remembered tokens are forgotten, also those
//     of the keys that stay: each costs one verification more.
//   - The cache takes up to 600 bytes a token and forgets at will when it is full. That
//     costs microseconds, never a wrong answer.
//   - The readers by hand are 230 lines that golang-jwt and encoding/json would spare.
//     They stay because without them a node spends 1.4 times the processor time a buy
//     when every buyer's token is new.
package auth
