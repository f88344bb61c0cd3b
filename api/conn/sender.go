package conn

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"

	"onsale/api/contract"
	"onsale/api/strict"
)

// proxiesMax bounds the trusted proxies: they are looked at one by one.
const proxiesMax = 64

// ValidateProxies returns an error for too many trusted proxies, and for what is no
// network.
func ValidateProxies(proxies []netip.Prefix) error {
	if len(proxies) > proxiesMax {
		return fmt.Errorf("%d TrustedProxies, allowed are %d", len(proxies), proxiesMax)
	}
	for _, proxy := range proxies {
		if !proxy.IsValid() || proxy.Addr().Is4In6() || proxy.Addr().Zone() != "" {
			return fmt.Errorf("TrustedProxies has %v; write networks as 10.0.0.0/8 or fd00::/8", proxy)
		}
	}
	return nil
}

// SenderOf returns the address that a request came from: that of the connection,
// or when a trusted proxy made the connection, the rightmost in X-Forwarded-For
// that is not a trusted proxy's. What stands left of it is the sender's own claim
// and is not read, and neither is the header of anybody who is not trusted. The
// address is not valid when the connection has none.
func SenderOf(peer net.Addr, h *strict.Header, proxies []netip.Prefix) (netip.Addr, *contract.Problem) {
	address := addressOf(peer)
	if !h.Forwarded || !contains(proxies, address) {
		return address, nil
	}
	if h.ForwardedTwice {
		return address, contract.BadParameter("X-Forwarded-For", "X-Forwarded-For came more than once; the proxy must make one line of it")
	}
	for hops, more := h.ForwardedFor, true; more && contains(proxies, address); {
		var hop []byte
		hops, hop, more = cutLast(hops)
		var known bool
		if address, known = parseHop(strict.TrimSpace(hop)); !known {
			return address, contract.BadParameter("X-Forwarded-For", "X-Forwarded-For must be addresses with commas between them")
		}
	}
	return address, nil
}

// addressOf returns the IP address of a connection's end, not valid for none.
func addressOf(peer net.Addr) netip.Addr {
	tcp, isTCP := peer.(*net.TCPAddr)
	if !isTCP {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}

func contains(proxies []netip.Prefix, address netip.Addr) bool {
	for _, proxy := range proxies {
		if proxy.Contains(address) {
			return true
		}
	}
	return false
}

// cutLast splits a list at its last comma.
func cutLast(list []byte) (before, last []byte, more bool) {
	comma := bytes.LastIndexByte(list, ',')
	if comma < 0 {
		return nil, list, false
	}
	return list[:comma], list[comma+1:], true
}

// parseHop reads an address, with a port behind it as some proxies write it.
func parseHop(hop []byte) (netip.Addr, bool) {
	text := strict.AsString(hop)
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Unmap(), address.Zone() == ""
	}
	both, err := netip.ParseAddrPort(text)
	return both.Addr().Unmap(), err == nil && both.Addr().Zone() == ""
}
