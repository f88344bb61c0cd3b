package main

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"onsale/api/auth"
	"onsale/api/challenge"
)

// fileChallenge is the name of the setting that names the file of the challenges' secrets.
const fileChallenge = "challenge-secret-file"

// errNoChallengeSecret is returned for a process that is to make challenges and has no secret.
var errNoChallengeSecret = fmt.Errorf("%w: --challenge-bits needs a --challenge-secret-file or a --secret-file, the same on all nodes and front-ends", errUsage)

// workGate asks for work before a buy; its secrets can change while it is asked.
type workGate struct {
	bits int
	work atomic.Pointer[challenge.Work] // nil before it has secrets
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

// take makes challenges with the newest of some secrets from now on, and takes answers to those of
// all: what is being solved under one that stays in the file still counts.
func (g *workGate) take(secrets [][]byte) {
	if err := g.reopen(secrets); err != nil { // bits and secrets were checked, by the same bounds
		panic("a secret of tokens makes no challenge: " + err.Error())
	}
}

// takeFile does the same with a file of their own.
func (g *workGate) takeFile(data []byte) (map[string]any, error) {
	secrets, err := auth.ParseSecrets(data)
	if err == nil {
		err = g.reopen(secrets)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"kids": auth.KeyIDs(secrets)}, nil
}

func (g *workGate) reopen(secrets [][]byte) error {
	work, err := challenge.NewWork(challenge.WorkConfig{Secrets: secrets, DifficultyBits: g.bits, Window: challenge.DefaultWindow})
	if err == nil {
		g.work.Store(work)
	}
	return err
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
