// Package certificate is how the processes of a cluster prove who they are: TLS 1.3
// on both sides, with certificates of the cluster's own authority, each bound to a
// role and an id by a URI of its own (onsale://ROLE/ID).
//
// # Identities, not hosts
//
// Host names are not checked: addresses change, and what matters is whether the other end
// is the node that the membership knows by this id, or a front-end at all. So a
// certificate names exactly one role and one id, in one spelling, and who dials a node
// says which id it wants. Names and addresses in a certificate are for browsers and
// operators' tools alone.
//
// The authority is the cluster's own, and no other is trusted: a certificate that the
// public authorities would give to anybody opens nothing here. Its file may hold two
// while it is replaced: the new one is given to all, then certificates are renewed, then
// the old one goes.
//
// # Renewal
//
// Files are looked at again, at most every second, as connections are made, so certificates
// are renewed without a restart. Files that do not load change nothing: what was read
// before stays in force, the log says so once, and a metric until it is mended. Sessions
// are never resumed: a resumed one would outlive the authority that vouched for it.
//
// What it trades off: a connection that stands is not ended when its certificate ends, or
// when the authority that vouched for it is taken out; there is no revocation but that, so
// a stolen key is answered by a new authority. Every connection costs a full handshake;
// they are few and long-lived.
package certificate
