package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrAddress is returned for an address that is no public one, where an endpoint may have no
// others.
var ErrAddress = errors.New("is no public address; allow_private allows those of your own network")

// notPublic are the networks that no endpoint of the internet is in (IANA's registries of
// special-purpose addresses): this machine's, its neighbours', the clouds' metadata (169.254.169.254,
// fd00:ec2::254), and those of tunnels that end in any of them.
var notPublic = func() (networks []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	return networks
}()

// globalUnicast is where every public IPv6 address is.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// isPublic reports whether an address is one of the internet.
func isPublic(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if address.Is6() && !globalUnicast.Contains(address) {
		return false
	}
	for _, network := range notPublic {
		if network.Contains(address) {
			return false
		}
	}
	return address.IsValid()
}

// publicOnly is a net.Dialer's Control: it is asked of the very address that is to be connected
// to, behind all names, so that a name which means another address from one look to the next
// leads nowhere else.
func publicOnly(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if !isPublic(target.Addr()) {
		return fmt.Errorf("%s %w", target.Addr(), ErrAddress)
	}
	return nil
}
