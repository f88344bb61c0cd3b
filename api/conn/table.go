package conn

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"onsale/api/strict"
	"onsale/internal/accept"
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
	// Late writes what a connection is told on which nothing came in time; nil tells it
	// nothing.
	Late func(w io.Writer) error
	// Resume serves a connection that was parked until it closes it; nil parks none.
	Resume func(net.Conn)
	// KeepTime is for how long an idle connection whose request had a valid token keeps
	// its place when all are taken; one without never does.
	KeepTime time.Duration
}

// Table holds a listener's connections: it bounds them in all and for each address,
// answers those beyond, and closes them when the listener drains. When all places are
// taken, idle ones give way (accept.Room). Event streams have a bound of their own and
// leave the count of all.
type Table struct {
	config Config
	room   *accept.Room
	// refusals and timeouts are what went wrong with connections.
	refusals  [refusalCount]atomic.Uint64
	timeouts  [timeoutCount]atomic.Uint64
	lingering chan struct{} // a place for each refused connection that lingers

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	parked   int                // of them
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

// NewTable returns a table without connections.
func NewTable(config Config) *Table {
	return &Table{
		config: config, room: accept.NewRoom(accept.Config{Max: config.Max, KeepTime: config.KeepTime}), lingering: make(chan struct{}, lingeringMax), conns: map[*Conn]struct{}{},
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

// Accept returns the next connection that is let in. One goroutine calls it.
func (l listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.table.admit(conn); c != nil {
			return c, nil
		}
	}
}

// admit lets a connection in, or refuses it and returns nil.
func (t *Table) admit(conn net.Conn) net.Conn {
	c := &Conn{Conn: conn, table: t}
	address, trusted := t.addressOf(conn)
	if t.config.PerAddressMax > 0 && !trusted {
		c.address = address
	}
	c.place = t.room.NewPlace(address, trusted, c.cut)
	why, full := t.enter(c)
	if !full && !c.place.Enter() {
		t.leave(c)
		why, full = RefusedAll, true
	}
	if full {
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
	case c.address.IsValid() && t.each[c.address] >= t.config.PerAddressMax:
		return RefusedAddress, true
	}
	t.conns[c], c.counted = struct{}{}, true
	if c.address.IsValid() {
		t.each[c.address]++
	}
	return 0, false
}

// addressOf returns the address under which a connection counts, and whether it is a
// trusted proxy's, who brings many buyers: it is not bounded, and does not give way.
func (t *Table) addressOf(conn net.Conn) (address netip.Addr, trusted bool) {
	address = addressOf(conn.RemoteAddr())
	return accept.NetworkOf(address), contains(t.config.TrustedProxies, address)
}

// leave gives a connection's places back.
func (t *Table) leave(c *Conn) {
	c.place.Leave()
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
	c.letGo()
	c.framing = strict.Framing{}
	c.place.Leave()

	t.mu.Lock()
	defer t.mu.Unlock()
	t.uncount(c)
}

func (t *Table) uncount(c *Conn) {
	if !c.counted {
		return
	}
	c.counted = false
	t.unpark(c)
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
