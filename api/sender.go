package api

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"

	"onsale/api/contract"
)

// proxiesMax bounds Config.TrustedProxies: they are looked at one by one.
const proxiesMax = 64

func validateProxies(proxies []netip.Prefix) error {
	if len(proxies) > proxiesMax {
		return fmt.Errorf("%w: %d TrustedProxies, allowed are %d", ErrBadConfig, len(proxies), proxiesMax)
	}
	for _, proxy := range proxies {
		if !proxy.IsValid() || proxy.Addr().Is4In6() || proxy.Addr().Zone() != "" {
			return fmt.Errorf("%w: TrustedProxies has %v; write networks as 10.0.0.0/8 or fd00::/8", ErrBadConfig, proxy)
		}
	}
	return nil
}

// senderOf returns the address that a request came from: that of the connection,
// or when a trusted proxy made the connection, the rightmost in X-Forwarded-For
// that is not a trusted proxy's. What stands left of it is the sender's own claim
// and is not read, and neither is the header of anybody who is not trusted. The
// address is not valid when the connection has none.
func senderOf(peer net.Addr, h *header, proxies []netip.Prefix) (netip.Addr, *contract.Problem) {
	address := addressOf(peer)
	if !h.forwarded || !contains(proxies, address) {
		return address, nil
	}
	if h.forwardedTwice {
		return address, contract.BadParameter("X-Forwarded-For", "X-Forwarded-For came more than once; the proxy must make one line of it")
	}
	for hops, more := h.forwardedFor, true; more && contains(proxies, address); {
		var hop []byte
		hops, hop, more = cutLast(hops)
		var known bool
		if address, known = parseHop(trimSpace(hop)); !known {
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
	text := asString(hop)
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Unmap(), address.Zone() == ""
	}
	both, err := netip.ParseAddrPort(text)
	return both.Addr().Unmap(), err == nil && both.Addr().Zone() == ""
}
