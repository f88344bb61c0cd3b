package certificate

import (
	"fmt"
	"net"
)

// BeyondLoopback reports whether a listener on host:port can be reached from other
// machines: everything that is not a loopback address or localhost.
func BeyondLoopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, fmt.Errorf("address %q: %w", address, err)
	}
	if host == "localhost" {
		return false, nil
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback(), nil
}
