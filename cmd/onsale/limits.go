package main

import (
	"fmt"
	"net/netip"

	"onsale/api/challenge"
)

// newGate returns what asks for so many bits of work before a buy; nil when nothing does.
func newGate(bits int, secret []byte) (challenge.Gate, error) {
	if bits == 0 {
		return nil, nil
	}
	if len(secret) == 0 {
		return nil, fmt.Errorf("%w: --challenge-bits needs a --secret-file, the same on all nodes and front-ends", errUsage)
	}
	work, err := challenge.NewWork(challenge.WorkConfig{Secret: secret, DifficultyBits: bits, Window: challenge.DefaultWindow})
	if err != nil {
		return nil, err
	}
	return work, nil
}

// parseProxies reads networks; an address alone is a network of one.
func parseProxies(texts []string) ([]netip.Prefix, error) {
	var proxies []netip.Prefix
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil {
			proxies = append(proxies, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		proxy, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither a network, such as 10.0.0.0/8, nor an address", text)
		}
		proxies = append(proxies, proxy)
	}
	return proxies, nil
}
