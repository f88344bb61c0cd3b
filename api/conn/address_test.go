package conn

import (
	"net"
	"net/netip"
	"reflect"
	"testing"

	"onsale/api/strict"
)

// A subscriber's IPv6 addresses are one.
func TestAddressOfConnection(t *testing.T) {
	table := NewTable(Config{PerAddressMax: 1})
	of := func(address string) netip.Addr {
		of, _ := table.addressOf(addressedConn{remote: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))})
		return of
	}
	if of("[2001:db8:1:2:3::4]:1") != of("[2001:db8:1:2:ffff::1]:2") || of("[2001:db8:1:2::]:1") == of("[2001:db8:1:3::]:1") {
		t.Error("a /64 is not one address")
	}
	if of("192.0.2.1:1") != of("[::ffff:192.0.2.1]:2") || of("192.0.2.1:1") == of("192.0.2.2:1") {
		t.Error("IPv4 addresses are not told apart, or not known in IPv6")
	}
	if of("[fe80::1%eth0]:1") != of("[fe80::2%eth1]:1") {
		t.Error("a zone is part of the address")
	}
}

type addressedConn struct {
	net.Conn
	remote net.Addr
}

func (c addressedConn) RemoteAddr() net.Addr { return c.remote }

func TestSenderOf(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1", "203.0.113.9", "192.0.2.1"},
		{"192.0.2.1", "nonsense", "192.0.2.1"},
		{"10.0.0.1", "203.0.113.9", "203.0.113.9"},
		{"::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"},
		{"10.0.0.1", "203.0.113.9:4711", "203.0.113.9"},
		{"10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"},
		{"fd00::1", "2001:db8::1,10.2.3.4\t, fd00::7", "2001:db8::1"},
		{"10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"},
		{"10.0.0.1", "x, 203.0.113.9", "203.0.113.9"},
		{"10.0.0.1", "x, 10.0.0.2", ""},
		{"10.0.0.1", "203.0.113.9,", ""},
		{"10.0.0.1", "fe80::1%eth0", ""},
		{"10.0.0.1", "unknown", ""},
		{"10.0.0.1", "203.0.113.009", ""},
	} {
		h := &strict.Header{Forwarded: true, ForwardedFor: []byte(c.forwarded)}
		got, problem := SenderOf(&net.TCPAddr{IP: net.ParseIP(c.peer), Port: 1}, h, proxies)
		switch {
		case c.want == "" && problem == nil:
			t.Errorf("%+v: %v", c, got)
		case c.want != "" && (problem != nil || got != netip.MustParseAddr(c.want)):
			t.Errorf("%+v: %v %v", c, got, problem)
		}
	}
	if got, problem := SenderOf(&net.UnixAddr{Name: "socket"}, &strict.Header{Forwarded: true, ForwardedFor: []byte("203.0.113.9")}, proxies); problem != nil || got.IsValid() {
		t.Errorf("a socket: %v %v", got, problem)
	}
	if got, problem := SenderOf(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, &strict.Header{}, proxies); problem != nil || got != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("no header: %v %v", got, problem)
	}
}

// An event stream keeps nothing of the request that began it: the library's buffer of one
// that is held on to is several kilobytes for each who listens.
func TestReleaseKeepsNoBuffer(t *testing.T) {
	c, other := pair(t)
	_, err := other.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	must(t, err)
	_, err = c.Read(make([]byte, 8<<10))
	must(t, err)
	if reflect.DeepEqual(c.framing, strict.Framing{}) {
		t.Fatal("nothing was read")
	}
	c.table.Release(c)
	if !reflect.DeepEqual(c.framing, strict.Framing{}) {
		t.Errorf("held is %+v", c.framing)
	}
}
