package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"onsale/api/contract"
)

// checkHost refuses a request to the private listener under a name that is not this
// process's. A browser on a machine that reaches the listener can be brought to ask it by any
// page whose name is made to resolve to its address (DNS rebinding), and then takes the answer
// for that page's own; the name in Host is that of the page. An address or localhost cannot be
// such a name, and under TLS the certificate has been asked for the name already. Who sends
// none is no browser.
func (p *Private) checkHost(req *http.Request) *contract.Problem {
	if req.TLS != nil || req.Host == "" || p.isOwnName(hostName(req.Host)) {
		return nil
	}
	return contract.NewProblem(contract.UnknownHost, "Host is none of this process's names; --private-hosts adds one")
}

// hostName returns a Host without port, and an address without its brackets.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func (p *Private) isOwnName(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		slices.ContainsFunc(p.config.PrivateHosts, func(own string) bool { return strings.EqualFold(own, name) })
}
