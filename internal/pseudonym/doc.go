// Package pseudonym lets buyers be known by something else than their names in all that is written:
// log, journal, snapshots, backups, and the provider's books. What stands there in place of a user
// (the sub of the token) is a hash of it under a key that is in none of these. Without the key nobody
// finds out whose an order is, not even who knows all names; with it, who knows a name finds its
// orders. Nothing that is written depends on the key: a journal is audited without it.
//
// # Who maps, and how often
//
// The process that verified a token maps its user, once: the verifier hands out both names (package
// auth), and from there on only the one of the log goes further. Batches, questions and payments that
// processes send each other carry names of the log, and nobody maps those: a node takes a token only
// from its own listener. A token whose user looks like a pseudonym is not valid, so that nobody is
// taken for who is behind one.
//
// # Which key
//
// A sale is bound to a key when it is created: the newest of the node that takes the command writes
// its id into the sale's spec, and so into the log. So every process, after every fail-over and in
// every copy of the cluster, sees the same key for a sale, whatever the files say by then. A process
// that does not have it refuses the sale's buys. The rules hold it again: a sale takes only users
// whose names say its own key (sequencer.PseudonymKeyOf). So, whatever mixture of keys and releases
// processes run with, nobody is two users in one sale; the worst is that a buy is refused.
//
// A file may have several keys: the first is for new sales, the others for those that are not over.
// So a key is changed between sales without a moment at which an order is not found: the new one is
// added behind the old one everywhere, then put in front of it everywhere. When the sales of the old
// one are over its line is removed everywhere, and what is left of them is anonymous.
//
// Trade-offs: an order's buyer can be looked for and not be read off an order, also by the seller. A
// buyer is another user in each key's sales: idempotency keys are not the same across them, and a
// user's declines are counted under each. Names that can be guessed are guessed by who has the key.
package pseudonym
