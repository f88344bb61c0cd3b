package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrIdentity is returned when a certificate does not say who it is for, or says
// somebody else than was wanted.
var ErrIdentity = errors.New("wrong certificate identity")

// Role says what a certificate's owner may do.
type Role string

// The roles.
const (
	RoleNode     Role = "node"
	RoleFrontEnd Role = "frontend"
	RoleOperator Role = "operator"
	RoleReader   Role = "reader"
)

// Identity is who a certificate is for.
type Identity struct {
	Role Role
	ID   string // 1 to IDBytesMax of A-Z a-z 0-9 . _ -
}

// IDBytesMax bounds an id.
const IDBytesMax = 64

// uriScheme begins the URI that names an identity.
const uriScheme = "onsale"

// String returns ROLE/ID.
func (i Identity) String() string { return string(i.Role) + "/" + i.ID }

// Validate returns ErrIdentity when the role or the id is none.
func (i Identity) Validate() error {
	switch i.Role {
	case RoleNode, RoleFrontEnd, RoleOperator, RoleReader:
	default:
		return fmt.Errorf("%w: role %q", ErrIdentity, i.Role)
	}
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c)
	}
	if i.ID == "" || len(i.ID) > IDBytesMax || strings.IndexFunc(i.ID, func(c rune) bool { return !plain(c) }) >= 0 {
		return fmt.Errorf("%w: id %q, allowed are 1 to %d of A-Z a-z 0-9 . _ -", ErrIdentity, i.ID, IDBytesMax)
	}
	return nil
}

func (i Identity) uri() *url.URL {
	return &url.URL{Scheme: uriScheme, Host: string(i.Role), Path: "/" + i.ID}
}

// IdentityOf returns who a certificate is for: it has exactly one URI, ours.
func IdentityOf(c *x509.Certificate) (Identity, error) {
	if len(c.URIs) != 1 {
		return Identity{}, fmt.Errorf("%w: %d URIs, expected is one", ErrIdentity, len(c.URIs))
	}
	return parseURI(c.URIs[0])
}

func parseURI(u *url.URL) (Identity, error) {
	is := Identity{Role(u.Host), strings.TrimPrefix(u.Path, "/")}
	if err := is.Validate(); err != nil {
		return Identity{}, err
	}
	if u.String() != is.uri().String() { // one spelling only
		return Identity{}, fmt.Errorf("%w: URI %q", ErrIdentity, u)
	}
	return is, nil
}

// PeerOf returns who is at the other end of a connection whose handshake is done.
func PeerOf(state tls.ConnectionState) (Identity, error) {
	if len(state.PeerCertificates) == 0 {
		return Identity{}, fmt.Errorf("%w: no certificate", ErrIdentity)
	}
	return IdentityOf(state.PeerCertificates[0])
}
