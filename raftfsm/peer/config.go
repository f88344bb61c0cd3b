package peer

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"
)

// Config says who a process is and how it meets others.
type Config struct {
	// ID and Role are this process's.
	ID   string
	Role Role
	// Cluster returns the cluster that this process belongs to, and its number;
	// zero while it belongs to none.
	Cluster func() (ClusterID, uint8)
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
	// Logger gets who was refused, and why.
	Logger *slog.Logger
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
		Role: Node, Cluster: func() (ClusterID, uint8) { return ClusterID{}, 0 },
		HandshakeTimeout: 3 * time.Second, ConnectionsMax: 4096, Logger: slog.New(slog.DiscardHandler),
	}
}

// Identity is who is at the other end of a connection, as it proved it.
type Identity struct {
	ID      string
	Role    Role
	Cluster ClusterID // of a node; zero when it belongs to none yet
	Number  uint8     // of the cluster
}

// Conn is a connection whose other end is known.
type Conn struct {
	net.Conn
	Peer Identity
}

// Dial connects to a node for a service. wantID is the node that is expected
// there; "" takes any of the cluster. With a cluster of its own, the caller
// refuses a node of another one.
func Dial(ctx context.Context, config *Config, address string, service Service, wantID string) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, config.HandshakeTimeout)
	defer cancel()
	dial := config.Dial
	if dial == nil {
		dial = dialTCP
	}
	raw, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	conn, err := greet(ctx, config, raw, service, wantID)
	if err != nil {
		raw.Close()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: raw.RemoteAddr(), Err: err}
	}
	return conn, nil
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", address)
}

// greet does the caller's half of a handshake.
func greet(ctx context.Context, config *Config, raw net.Conn, service Service, wantID string) (*Conn, error) {
	deadline, _ := ctx.Deadline()
	if err := raw.SetDeadline(deadline); err != nil {
		return nil, err
	}
	conn := raw
	if config.Credentials != nil {
		secure := tls.Client(raw, config.Credentials.Client(wantID))
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secure
	}
	own, _ := config.Cluster()
	said := hello{word: byte(service), role: config.Role, cluster: own, id: config.ID}
	if _, err := conn.Write(said.append(nil)); err != nil {
		return nil, err
	}
	answer, err := readHello(conn)
	if err != nil {
		return nil, err
	}
	if err := checkAnswer(config, &answer, own, wantID, conn); err != nil {
		return nil, err
	}
	return &Conn{conn, Identity{answer.id, answer.role, answer.cluster, answer.number}}, conn.SetDeadline(time.Time{})
}

func checkAnswer(config *Config, answer *hello, own ClusterID, wantID string, conn net.Conn) error {
	if err := verdict(answer.word).err(); err != nil {
		return refusal(answer, err)
	}
	if wantID != "" && answer.id != wantID {
		return refusal(answer, ErrOtherNode)
	}
	if own != (ClusterID{}) && answer.cluster != (ClusterID{}) && answer.cluster != own {
		return refusal(answer, ErrOtherCluster)
	}
	if !proves(config, conn, answer) {
		return refusal(answer, ErrOtherNode)
	}
	return nil
}

// proves reports whether the other end's certificate is that of who it says it is.
func proves(config *Config, conn net.Conn, said *hello) bool {
	if config.Credentials == nil {
		return true
	}
	secure, isSecure := conn.(*tls.Conn)
	if !isSecure {
		return false
	}
	role, id, err := config.Credentials.PeerOf(secure.ConnectionState())
	return err == nil && id == said.id && role == said.role
}
