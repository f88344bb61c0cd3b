package api

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// door lets connections in and out of the buyers' listener: it bounds them in all and
// for each address, answers those beyond with a problem, and closes them when the
// listener drains. Event streams have a bound of their own and leave the count of all.
type door struct {
	config *Config
	// refusals, timeouts and acceptErrors are what went wrong with connections.
	refusals     [refusalCount]atomic.Uint64
	timeouts     [timeoutCount]atomic.Uint64
	acceptErrors atomic.Uint64
	lingering    chan struct{} // a place for each refused connection that lingers

	mu       sync.Mutex
	conns    map[*doorConn]struct{}
	each     map[netip.Addr]int // connections of an address, when they are bounded
	draining bool
	empty    chan struct{} // closed when the last one of a drain left
}

// refusal is why a connection was not let in, as the metrics name it.
type refusal uint8

const (
	refusalAll refusal = iota
	refusalAddress
	refusalStopping
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

func newDoor(config *Config) *door {
	return &door{
		config: config, lingering: make(chan struct{}, lingeringMax), conns: map[*doorConn]struct{}{},
		each: map[netip.Addr]int{}, empty: make(chan struct{}),
	}
}

// doorListener accepts what the door lets in.
type doorListener struct {
	net.Listener
	door *door
}

// Accept returns the next connection that is let in. It ends with the listener only:
// when the process has no more files, as under a flood, it waits for some.
func (l doorListener) Accept() (net.Conn, error) {
	pause := acceptPauseMin
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil:
			pause = acceptPauseMin
		case isScarcity(err):
			l.door.acceptErrors.Add(1)
			time.Sleep(pause)
			pause = min(2*pause, acceptPauseMax)
			continue
		default:
			return nil, err
		}
		if c := l.door.admit(conn); c != nil {
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
func (d *door) admit(conn net.Conn) net.Conn {
	c := &doorConn{Conn: conn, door: d, address: d.addressOf(conn)}
	if why, full := d.enter(c); full {
		d.refusals[why].Add(1)
		d.refuse(conn, d.problem(why))
		return nil
	}
	return c.typed()
}

func (d *door) enter(c *doorConn) (why refusal, full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.draining:
		return refusalStopping, true
	case len(d.conns) >= d.config.ConnectionsMax:
		return refusalAll, true
	case c.address.IsValid() && d.each[c.address] >= d.config.ConnectionsPerAddressMax:
		return refusalAddress, true
	}
	d.conns[c], c.counted = struct{}{}, true
	if c.address.IsValid() {
		d.each[c.address]++
	}
	return 0, false
}

// addressOf returns the address under which a connection counts: of IPv6 the /64, which
// is what one subscriber has. It is not valid when addresses are not bounded, and for
// trusted proxies, who bring many buyers each.
func (d *door) addressOf(conn net.Conn) netip.Addr {
	if d.config.ConnectionsPerAddressMax == 0 {
		return netip.Addr{}
	}
	address := addressOf(conn.RemoteAddr())
	if contains(d.config.TrustedProxies, address) {
		return netip.Addr{}
	}
	if address.Is6() {
		network, _ := address.WithZone("").Prefix(64) // 64 fits
		return network.Addr()
	}
	return address
}

// leave gives a connection's places back.
func (d *door) leave(c *doorConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.uncount(c)
	if !c.address.IsValid() {
		return
	}
	if d.each[c.address]--; d.each[c.address] == 0 {
		delete(d.each, c.address)
	}
}

// release gives the place of a connection that is an event stream from now on back to
// all others. Its address still counts it. Nothing is read from it any more, and it lets
// go of the buffer in which its request came.
func (d *door) release(c *doorConn) {
	c.framing = framing{}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.uncount(c)
}

func (d *door) uncount(c *doorConn) {
	if !c.counted {
		return
	}
	c.counted = false
	delete(d.conns, c)
	if d.draining && len(d.conns) == 0 {
		close(d.empty)
	}
}

func (d *door) open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.conns)
}
