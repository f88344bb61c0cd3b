package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// Dial connects to a node for a service. wantID is the node that is expected
// there; "" takes any of the cluster. With a cluster of its own, the caller
// refuses a node of another one.
func Dial(ctx context.Context, config *Config, address string, service Service, wantID string) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, config.HandshakeTimeout)
	defer cancel()
	var conn *Conn
	var err error
	for _, secret := range config.secrets() {
		if conn, err = dialWith(ctx, config, secret, address, service, wantID); !errors.Is(err, ErrSecret) {
			break
		}
	}
	return conn, err
}

// dialWith connects by one of the secrets.
func dialWith(ctx context.Context, config *Config, secret []byte, address string, service Service, wantID string) (*Conn, error) {
	dial := config.Dial
	if dial == nil {
		dial = dialTCP
	}
	raw, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	conn, err := greet(ctx, &call{config: config, secret: secret, wantID: wantID}, raw, service)
	if err != nil {
		raw.Close()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: raw.RemoteAddr(), Err: err}
	}
	return conn, nil
}

// Meet calls a node and returns who it is; each side has heard of the other's cluster and
// start then.
func Meet(ctx context.Context, config *Config, address string) (*Identity, error) {
	conn, err := Dial(ctx, config, address, Greet, "")
	if err != nil {
		return nil, err
	}
	_ = conn.Close() // nothing is asked
	return &conn.Peer, nil
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", address)
}

// greet does the caller's half of a handshake.
func greet(ctx context.Context, call *call, raw net.Conn, service Service) (*Conn, error) {
	deadline, _ := ctx.Deadline()
	if err := raw.SetDeadline(deadline); err != nil {
		return nil, err
	}
	call.conn = raw
	if credentials := call.config.Credentials; credentials != nil {
		secure := tls.Client(raw, credentials.Client(call.wantID))
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		call.conn = secure
	}

	answer, err := call.make(service)
	if err != nil {
		return nil, err
	}
	return &Conn{call.conn, *answer.identity()}, call.conn.SetDeadline(time.Time{})
}

// call is the caller's side of one handshake.
type call struct {
	config *Config
	secret []byte // that both sides prove; nil for no proof
	conn   net.Conn
	wantID string
	own    hello
}

// make says hello and returns the answer of a node that takes the call, and that this
// process takes.
func (c *call) make(service Service) (*hello, error) {
	theirs, err := readGreeting(c.conn)
	if err != nil {
		return nil, err
	}
	said, err := begin(c.conn, theirs.greeting())
	if err != nil {
		return nil, err
	}
	c.own = c.config.hello(byte(service), newNonce())
	if _, err := c.conn.Write(said.say(c.secret, callerSide, &c.own)); err != nil {
		return nil, err
	}

	answer, encoded, err := readHello(c.conn)
	if err != nil {
		return nil, err
	}
	_, proven := said.heard([][]byte{c.secret}, listenerSide, &answer, encoded)
	if err := c.check(&answer, proven); err != nil {
		return nil, refusal(&answer, err)
	}
	return &answer, nil
}

// check decides about an answer. What it says of clusters and starts counts only from who
// is who it says it is; a refusal alone counts from anybody.
func (c *call) check(answer *hello, proven bool) error {
	said := verdict(answer.word).err()
	switch {
	case errors.Is(said, ErrSecret):
		return said
	case !proves(c.config, c.conn, answer):
		return ErrOtherNode
	case !proven:
		return ErrSecret
	}
	if err := c.checkCluster(answer); err != nil {
		return err
	}

	switch err := levels(&c.own, answer); {
	case errors.Is(said, ErrReplaced), errors.Is(said, ErrPseudonyms):
		c.config.fence(answer, said)
		return said
	case errors.Is(said, ErrLevel) && err != nil:
		c.config.fenceBelow(answer, err)
		return err // it says more
	case said != nil:
		return said
	case c.wantID != "" && answer.id != c.wantID:
		return ErrOtherNode
	case err != nil:
		return err
	case answer.role == Node && len(c.own.births) > 0 && !c.config.Starts.Note(answer.id, answer.start):
		return ErrOlderStart
	}
	return nil
}

// checkCluster decides about the answering node's cluster.
func (c *call) checkCluster(answer *hello) error {
	if c.config.Known != nil {
		if len(answer.births) == 0 || answer.role != Node {
			return nil
		}
		return c.config.Known.Meet(answer.identity())
	}
	err := refusalOf(c.own.births.RelationOf(answer.births))
	if errors.Is(err, ErrSuperseded) || errors.Is(err, ErrParted) {
		c.config.fence(answer, err)
	}
	return err
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
