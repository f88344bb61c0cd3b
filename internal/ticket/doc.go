// Package ticket makes and checks what a buyer shows at the entrance: a code that a node signed,
// for one ticket of one order, which a program without a network can tell from any other text.
//
// # Whose signature
//
// Nodes sign, with keys that only they have; front-ends and the seller's devices have public keys.
// All nodes of a cluster have the same Secrets, so every node makes the same code (Ed25519 is
// deterministic), and a code is made when it is read: nothing of it is in the log.
//
// The key that signs is derived from a secret and the birth under which the ticket was paid
// (HKDF-SHA-256, RFC 5869). So keys change with the birth and nobody has to change them: a copy of
// a cluster, for an exercise, that was given the same secrets makes no ticket that is valid at the
// real entrance, whose file of keys does not have that birth. The birth is in what is signed as
// well, so that this does not rest on the keys alone.
//
// # What a restore loses
//
// A cluster that goes on from a backup has lost what was decided behind it. A code has the decision
// that its order was paid by; the keys say for each birth up to which decision its history counts
// (PublicBirth.CutSeq). So a ticket that was paid behind the cut is not valid, also of an order
// that the backup has: its number may be somebody else's by now. Who paid it gets another code when
// the cluster learns of the payment from the provider.
//
// Trade-offs: a code names its birth by four bytes, and the reader finds the others among those
// that it knows; a signature that is 64 of 92 bytes is what offline costs. A code is no secret
// that can be called back: what is shown twice is the entrance's to notice.
package ticket
