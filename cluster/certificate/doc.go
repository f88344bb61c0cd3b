// Package certificate is how the processes of a cluster prove who they are: TLS 1.3
// on both sides, with certificates of the cluster's own authority, each bound to a
// role and an id by a URI of its own (onsale://ROLE/ID). Host names are not
// checked: the identity is, and addresses change.
//
// Files are read again when they change, so certificates are renewed without a
// restart. Sessions are never resumed: a resumed one would outlive the authority
// that vouched for it.
package certificate
