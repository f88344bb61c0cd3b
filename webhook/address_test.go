package webhook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestPublicAddresses(t *testing.T) {
	for text, public := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "100.63.255.255": true, "172.32.0.1": true, "192.167.1.1": true, "223.255.255.255": true,
		"2606:4700::1111": true, "2a00::1": true, "::ffff:8.8.8.8": true,

		"127.0.0.1": false, "127.1.2.3": false, "0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "172.16.0.1": false,
		"172.31.255.255": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "198.18.0.1": false,
		"192.0.0.8": false, "192.0.2.1": false, "198.51.100.1": false, "203.0.113.1": false, "192.88.99.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "fc00::1": false, "fd00:ec2::254": false,
		"ff02::1": false, "2001:db8::1": false, "2001::1": false, "2002:7f00:1::": false, "2002:a00:1::1": false, "3fff::1": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false,
		"64:ff9b:1::a00:1": false, "100::1": false, "5f00::1": false,
	} {
		if isPublic(netip.MustParseAddr(text)) != public {
			t.Errorf("%s: public is not %v", text, public)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
	if err := publicOnly("tcp", "no address", nil); err == nil {
		t.Error("no address may be connected to")
	}
}

// nameServer answers every question with the next of its addresses.
func nameServer(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		question := make([]byte, 512)
		for asked := 0; ; {
			n, from, err := socket.ReadFrom(question)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(question[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response = true
			m.Additionals = nil
			if m.Questions[0].Type == dnsmessage.TypeA {
				address := netip.MustParseAddr(addresses[min(asked, len(addresses)-1)]).As4()
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET},
					Body: &dnsmessage.AResource{A: address}}}
				asked++
			}
			if answer, err := m.Pack(); err == nil {
				_, _ = socket.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

// A name that means this machine only after it was looked at leads nowhere, and does where the
// endpoint may have such addresses.
func TestNameThatChanges(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())

	resolver := nameServer(t, "8.8.8.8", "127.0.0.1")
	if seen, err := resolver.LookupHost(t.Context(), "shop.test."); err != nil || len(seen) == 0 || seen[0] != "8.8.8.8" {
		t.Fatalf("the first look shows %v, %v", seen, err)
	}
	dialer := newDialer(Endpoint{}.withDefaults())
	dialer.Resolver = resolver
	if _, err := dialer.DialContext(t.Context(), "tcp", "shop.test.:"+port); !errors.Is(err, ErrAddress) {
		t.Errorf("connected: %v", err)
	}

	allowed := newDialer(Endpoint{AllowPrivate: true}.withDefaults())
	allowed.Resolver = resolver
	connection, err := allowed.DialContext(t.Context(), "tcp", "shop.test.:"+port)
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
}
