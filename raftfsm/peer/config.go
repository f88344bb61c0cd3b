package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Config says who a process is and how it meets others.
type Config struct {
	// ID and Role are this process's.
	ID   string
	Role Role
	// Cluster returns the births of the cluster that this node belongs to, and its
	// number; empty while it belongs to none, and for a process without data.
	Cluster func() (Lineage, uint8)
	// Known is what a process without data remembers of its cluster; nil for a node, and
	// for who takes any cluster.
	Known Known
	// Levels returns the format level that this process speaks at most, and the one that
	// its cluster is at; nil says neither, and holds nobody to it.
	Levels func() (speaks, cluster uint16)
	// Build is the release and commit of this program, which is said to others: printable
	// ASCII, at most BuildBytesMax of it are. "" says nothing.
	Build string
	// PseudonymKeys are those under which this process knows buyers. A node that has some takes no
	// front-end that has none: what that sends on has names in it.
	PseudonymKeys PseudonymKeys
	// Clock returns the wall clock's time, which is said to others; nil says nothing.
	Clock func() time.Time
	// Start is the node's start number: raised at each start, so that of two processes
	// with one id the one with the lower number is refused. 0 for a process without data,
	// of which any number may have one id.
	Start uint64
	// Starts remembers those of the others; nil remembers none.
	Starts *Starts
	// Secrets are what all processes of a cluster prove to each other that they have, each
	// at least SecretBytesMin random bytes. A caller proves the first one, and the next
	// when it is refused; a listener takes any. A nil one stands for no proof, for as long
	// as some of the processes have none. Empty asks for no proof and gives none.
	Secrets [][]byte
	// Fenced is told, from any goroutine, when a node's own authenticated hello shows
	// that this process must not go on as it is: ErrSuperseded, ErrParted, ErrReplaced,
	// ErrBelow, ErrPseudonyms.
	// nil tells nobody. A hello is authenticated by TLS, by the peer secret, and in tests,
	// which run without both, by nothing.
	Fenced func(by *Identity, err error)
	// Credentials secure every connection; nil means plaintext, which is for
	// loopback alone.
	Credentials Credentials
	// Dial opens the connections under the handshakes; nil means TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// HandshakeTimeout bounds TLS and hello together.
	HandshakeTimeout time.Duration
	// ConnectionsMax bounds a listener's connections, those in their handshake
	// included; more are refused.
	ConnectionsMax int
	// GreetingsMax bounds those of them that are in their handshake, so that strangers
	// cannot take all; of one address half as many may be. One more takes the place of
	// the oldest of the address that has most.
	GreetingsMax int
	// Logger gets who was refused, and why.
	Logger *slog.Logger
}

// Known is the newest lineage that a process without data has seen of its cluster.
type Known interface {
	// Births returns it, and the cluster's number; empty before the first meeting.
	Births() (Lineage, uint8)
	// Meet decides about a node that was met: nil when its cluster is the known one, or
	// is known from now on because it is the first or succeeds the known one. Else
	// ErrOlderCluster, ErrParted, ErrOtherCluster, or why it cannot be remembered.
	Meet(node *Identity) error
}

// Credentials are this process's certificate and the authority that it trusts
// (package certificate, by way of cmd).
type Credentials interface {
	// Server returns how callers are met: TLS 1.3, nodes' and front-ends'
	// certificates of the authority alone.
	Server() *tls.Config
	// Client returns how a node is met; wantID "" takes any node's certificate.
	Client(wantID string) *tls.Config
	// PeerOf returns whose certificate the other end has shown.
	PeerOf(state tls.ConnectionState) (role Role, id string, err error)
}

// DefaultConfig returns the configuration of most processes. A front-end needs two
// connections to a node, a node up to four.
func DefaultConfig() Config {
	return Config{
		Role: Node, Cluster: func() (Lineage, uint8) { return nil, 0 },
		HandshakeTimeout: 3 * time.Second, ConnectionsMax: 4096, GreetingsMax: 256, Logger: slog.New(slog.DiscardHandler),
	}
}

// Identity is who is at the other end of a connection, as it proved it.
type Identity struct {
	ID      string
	Role    Role
	Cluster ClusterID // that it belongs to; zero when it belongs to none yet
	Births  Lineage   // of that cluster, which ends with it; not to be changed
	Number  uint8     // of the cluster
	Start   uint64    // number of the node's start; 0 of a front-end
	// Speaks is the format level that it speaks at most, Level the one that its cluster
	// is at; 0 when it did not say.
	Speaks, Level uint16
	// Build is the release and commit of its program; "" when it did not say.
	Build string
	// PseudonymKeys are those under which it knows buyers.
	PseudonymKeys PseudonymKeys
	// Time is its wall clock's when it said so; zero when it did not.
	Time time.Time
}

// Accepts returns nil while the node at the other end of a connection is of this process's
// cluster by what it knows now: what was in order when the connection was made may be
// superseded since. A node's own cluster does not change while it runs.
func (c *Config) Accepts(is *Identity) error {
	if c.Known == nil {
		return nil
	}
	own, _ := c.Known.Births()
	return refusalOf(own.RelationOf(is.Births))
}

// Keeps returns ErrLevel when the level of this process's cluster was raised since it met the
// other end of a connection, to one that the other end does not speak: whoever counts the
// processes before raising it cannot know those that connect meanwhile.
func (c *Config) Keeps(is *Identity) error {
	if c.Levels == nil || is.Speaks == 0 {
		return nil
	}
	if _, level := c.Levels(); level > is.Speaks {
		return fmt.Errorf("%w: %q speaks levels up to %d, the cluster is at %d now", ErrLevel, is.ID, is.Speaks, level)
	}
	return nil
}

// refusalOf returns with which error a node of a cluster is refused; nil for none.
func refusalOf(relation Relation) error {
	switch relation {
	case Unknown, Same:
		return nil
	case Newer:
		return ErrSuperseded
	case Older:
		return ErrOlderCluster
	case Parted:
		return ErrParted
	}
	return ErrOtherCluster
}

// lineage returns what this process goes by.
func (c *Config) lineage() (Lineage, uint8) {
	if c.Known != nil {
		return c.Known.Births()
	}
	return c.Cluster()
}

// hello returns what this process says of itself.
func (c *Config) hello(word byte, n nonce) hello {
	h := hello{word: word, role: c.Role, start: c.Start, nonce: n, keys: c.PseudonymKeys, id: c.ID, build: c.Build[:min(len(c.Build), BuildBytesMax)]}
	h.births, h.number = c.lineage()
	if c.Levels != nil {
		h.speaks, h.level = c.Levels()
	}
	if c.Clock != nil {
		h.time = c.Clock().UnixNano()
	}
	return h
}

// fence tells the process what a node's authenticated hello means to it. A front-end's
// hello means nothing: who has stolen one's certificate must not be able to stop a sale.
func (c *Config) fence(said *hello, err error) {
	if c.Fenced != nil && said.role == Node {
		c.Fenced(said.identity(), err)
	}
}

// fenceBelow tells the process that it does not speak the level of a node's cluster, when err
// says so.
func (c *Config) fenceBelow(said *hello, err error) {
	if errors.Is(err, ErrBelow) {
		c.fence(said, err)
	}
}

func (h *hello) identity() *Identity {
	var at time.Time
	if h.time != 0 {
		at = time.Unix(0, h.time)
	}
	return &Identity{Time: at, ID: h.id, Role: h.role, Cluster: h.births.Newest(), Births: h.births, Number: h.number, Start: h.start,
		Speaks: h.speaks, Level: h.level, Build: h.build, PseudonymKeys: h.keys}
}

// levels returns ErrLevel when one side does not speak the level of the other's cluster, and
// ErrBelow too when that is this process.
func levels(own, other *hello) error {
	behind := func(level uint16, who *hello) bool { return level != 0 && who.speaks != 0 && who.speaks < level }
	if behind(own.level, other) {
		return fmt.Errorf("%w: %q speaks levels up to %d, cluster %v is at %d; install the release that the cluster runs",
			ErrLevel, other.id, other.speaks, own.births.Newest(), own.level)
	}
	if behind(other.level, own) {
		return fmt.Errorf("%w: %w: it speaks levels up to %d, cluster %v is at %d; install the release that the cluster runs",
			ErrLevel, ErrBelow, own.speaks, other.births.Newest(), other.level)
	}
	return nil
}

// Errors of a configuration.
var (
	errSecret  = errors.New("peer secret is too short")
	errSecrets = errors.New("too many peer secrets")
)

// Validate returns an error for secrets that can be guessed, and for too many.
func (c *Config) Validate() error {
	if len(c.Secrets) > SecretsMax {
		return fmt.Errorf("%w: %d, at most %d are taken", errSecrets, len(c.Secrets), SecretsMax)
	}
	for _, secret := range c.Secrets {
		if secret != nil && len(secret) < SecretBytesMin {
			return fmt.Errorf("%w: %d bytes, at least %d are needed", errSecret, len(secret), SecretBytesMin)
		}
	}
	return nil
}

// secrets are those that prove something on a connection, at least one.
func (c *Config) secrets() [][]byte {
	if len(c.Secrets) == 0 {
		return [][]byte{nil}
	}
	return c.Secrets
}

// Conn is a connection whose other end is known.
type Conn struct {
	net.Conn
	Peer Identity
}
