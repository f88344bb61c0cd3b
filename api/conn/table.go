package conn

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"onsale/api/strict"
)

// Config says how many connections there may be.
type Config struct {
	// Max bounds the connections in all, without event streams.
	Max int
	// PerAddressMax bounds those of one address (of IPv6 a /64), event streams included;
	// 0 means no bound.
	PerAddressMax int
	// TrustedProxies are not bounded by PerAddressMax: they bring many buyers each.
	TrustedProxies []netip.Prefix
	// Answer writes what a refused connection is told, as an HTTP response that closes
	// it.
	Answer func(w io.Writer, why Refusal) error
}

// Table holds a listener's connections: it bounds them in all and for each address,
// answers those beyond, and closes them when the listener drains. Event streams have a
// bound of their own and leave the count of all.
type Table struct {
	config Config
	// refusals, timeouts and acceptErrors are what went wrong with connections.
	refusals     [refusalCount]atomic.Uint64
	timeouts     [timeoutCount]atomic.Uint64
	acceptErrors atomic.Uint64
	lingering    chan struct{} // a place for each refused connection that lingers

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	each     map[netip.Addr]int // connections of an address, when they are bounded
	draining bool
	empty    chan struct{} // closed when the last one of a drain left
}

// Refusal is why a connection was not let in.
type Refusal uint8

// The refusals.
const (
	RefusedAll      Refusal = iota // Config.Max was reached
	RefusedAddress                 // Config.PerAddressMax was
	RefusedStopping                // the listener drains
	refusalCount
)

var refusalNames = [refusalCount]string{"all", "address", "stopping"}

// timeout is what took too long, as the metrics name it.
type timeout uint8

const (
	timeoutRead timeout = iota
	timeoutWrite
	timeoutCount
)

var timeoutNames = [timeoutCount]string{"read", "write"}

// acceptPauseMin and acceptPauseMax bound the pause after a failed accept.
const acceptPauseMin, acceptPauseMax = time.Millisecond, 100 * time.Millisecond

// NewTable returns a table without connections.
func NewTable(config Config) *Table {
	return &Table{
		config: config, lingering: make(chan struct{}, lingeringMax), conns: map[*Conn]struct{}{},
		each: map[netip.Addr]int{}, empty: make(chan struct{}),
	}
}

// Wrap returns a listener of the connections that are let in. Those of several listeners
// count together.
func (t *Table) Wrap(l net.Listener) net.Listener { return listener{l, t} }

type listener struct {
	net.Listener
	table *Table
}

// Accept returns the next connection that is let in. It ends with the listener only:
// when the process has no more files, as under a flood, it waits for some.
func (l listener) Accept() (net.Conn, error) {
	pause := acceptPauseMin
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil:
			pause = acceptPauseMin
		case isScarcity(err):
			l.table.acceptErrors.Add(1)
			time.Sleep(pause)
			pause = min(2*pause, acceptPauseMax)
			continue
		default:
			return nil, err
		}
		if c := l.table.admit(conn); c != nil {
			return c, nil
		}
	}
}

// isScarcity reports whether a later accept may do better.
func isScarcity(err error) bool {
	for _, scarce := range [...]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, scarce) {
			return true
		}
	}
	return false
}

// admit lets a connection in, or refuses it and returns nil.
func (t *Table) admit(conn net.Conn) net.Conn {
	c := &Conn{Conn: conn, table: t, address: t.addressOf(conn)}
	if why, full := t.enter(c); full {
		t.refusals[why].Add(1)
		t.refuse(conn, why)
		return nil
	}
	return c.typed()
}

func (t *Table) enter(c *Conn) (why Refusal, full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.draining:
		return RefusedStopping, true
	case len(t.conns) >= t.config.Max:
		return RefusedAll, true
	case c.address.IsValid() && t.each[c.address] >= t.config.PerAddressMax:
		return RefusedAddress, true
	}
	t.conns[c], c.counted = struct{}{}, true
	if c.address.IsValid() {
		t.each[c.address]++
	}
	return 0, false
}

// addressOf returns the address under which a connection counts: of IPv6 the /64, which
// is what one subscriber has. It is not valid when addresses are not bounded, and for
// trusted proxies, who bring many buyers each.
func (t *Table) addressOf(conn net.Conn) netip.Addr {
	if t.config.PerAddressMax == 0 {
		return netip.Addr{}
	}
	address := addressOf(conn.RemoteAddr())
	if contains(t.config.TrustedProxies, address) {
		return netip.Addr{}
	}
	if address.Is6() {
		network, _ := address.WithZone("").Prefix(64) // 64 fits
		return network.Addr()
	}
	return address
}

// leave gives a connection's places back.
func (t *Table) leave(c *Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uncount(c)
	if !c.address.IsValid() {
		return
	}
	if t.each[c.address]--; t.each[c.address] == 0 {
		delete(t.each, c.address)
	}
}

// Release gives the place of a connection that is an event stream from now on back to
// all others. Its address still counts it. Nothing is read from it any more, and it lets
// go of the buffer in which its request came. A connection of elsewhere is left alone.
func (t *Table) Release(conn net.Conn) {
	c := Of(conn)
	if c == nil {
		return
	}
	c.framing = strict.Framing{}

	t.mu.Lock()
	defer t.mu.Unlock()
	t.uncount(c)
}

func (t *Table) uncount(c *Conn) {
	if !c.counted {
		return
	}
	c.counted = false
	delete(t.conns, c)
	if t.draining && len(t.conns) == 0 {
		close(t.empty)
	}
}

// Open returns how many connections there are, without event streams.
func (t *Table) Open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.conns)
}

// Heard returns how many of them have sent something.
func (t *Table) Heard() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	heard := 0
	for c := range t.conns {
		if c.heard.Load() == connHeard {
			heard++
		}
	}
	return heard
}
