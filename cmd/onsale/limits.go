package main

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"onsale/api/challenge"
)

// workGate asks for work before a buy; its secret can change while it is asked.
type workGate struct {
	work atomic.Pointer[challenge.Work]
}

var _ challenge.Issuer = (*workGate)(nil)

// Check is challenge.Gate's.
func (g *workGate) Check(user string, token []byte, now time.Time) error {
	return g.work.Load().Check(user, token, now)
}

// Issue is challenge.Issuer's.
func (g *workGate) Issue(user string, now time.Time) challenge.Challenge {
	return g.work.Load().Issue(user, now)
}

// reopen takes a secret: what was solved under another one counts no more.
func (g *workGate) reopen(bits int, secret []byte) error {
	work, err := challenge.NewWork(challenge.WorkConfig{Secret: secret, DifficultyBits: bits, Window: challenge.DefaultWindow})
	if err == nil {
		g.work.Store(work)
	}
	return err
}

// newGate returns what asks for so many bits of work before a buy; nil when nothing does.
func newGate(bits int, secret []byte) (challenge.Gate, error) {
	if bits == 0 {
		return nil, nil
	}
	if len(secret) == 0 {
		return nil, fmt.Errorf("%w: --challenge-bits needs a --secret-file, the same on all nodes and front-ends", errUsage)
	}
	gate := new(workGate)
	if err := gate.reopen(bits, secret); err != nil {
		return nil, err
	}
	return gate, nil
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
