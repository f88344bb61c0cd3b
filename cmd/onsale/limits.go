package main

import (
	"fmt"
	"net/netip"

	"github.com/spf13/pflag"

	"onsale/api"
	"onsale/api/challenge"
)

// limits says how often buyers may ask, for nodes and front-ends.
type limits struct {
	UserRequestsPerSecond    float64  `koanf:"user-requests-per-second"`
	UserBurst                int      `koanf:"user-burst"`
	AddressRequestsPerSecond float64  `koanf:"address-requests-per-second"`
	AddressBurst             int      `koanf:"address-burst"`
	LimitedUsersMax          int      `koanf:"limited-users-max"`
	LimitedAddressesMax      int      `koanf:"limited-addresses-max"`
	TrustedProxies           []string `koanf:"trusted-proxies"`
	ChallengeBits            int      `koanf:"challenge-bits"`
}

func (l *limits) flags(f *pflag.FlagSet) {
	c := api.DefaultConfig()
	f.Float64("user-requests-per-second", c.UserRequestsPerSecond, "how often a user may ask; 0 for no limit")
	f.Int("user-burst", c.UserBurst, "requests of a user that may come at once")
	f.Float64("address-requests-per-second", c.AddressRequestsPerSecond, "how often a network may ask, an IPv4 /24 or an IPv6 /64; 0 for no limit. Thousands of buyers share an address behind a carrier's NAT: 100 is low")
	f.Int("address-burst", c.AddressBurst, "requests of a network that may come at once")
	f.Int("limited-users-max", c.LimitedUsersMax, "users whose requests are counted")
	f.Int("limited-addresses-max", c.LimitedAddressesMax, "networks whose requests are counted")
	f.StringSlice("trusted-proxies", nil, "networks of proxies whose X-Forwarded-For is believed: 10.0.0.0/8,192.0.2.7")
	f.Int("challenge-bits", 0, "work that each buyer's processor must do before a buy, 1 to 30 bits: 20 is a second or two on a telephone, each more doubles it; 0 for none")
}

// validate checks what can be checked without the rest of the configuration.
func (l *limits) validate() error {
	c := api.DefaultConfig()
	if err := l.apply(&c, make([]byte, api.SecretBytesMin)); err != nil {
		return err
	}
	return c.Validate()
}

// apply sets the limits of the buyers' listener. The secret makes challenges.
func (l *limits) apply(c *api.Config, secret []byte) (err error) {
	if c.Gate, err = l.gate(secret); err != nil {
		return err
	}
	c.UserRequestsPerSecond, c.UserBurst, c.LimitedUsersMax = l.UserRequestsPerSecond, l.UserBurst, l.LimitedUsersMax
	c.AddressRequestsPerSecond, c.AddressBurst, c.LimitedAddressesMax = l.AddressRequestsPerSecond, l.AddressBurst, l.LimitedAddressesMax
	c.TrustedProxies, err = parseProxies(l.TrustedProxies)
	return err
}

// gate returns what asks for work before a buy; nil when nothing does.
func (l *limits) gate(secret []byte) (challenge.Gate, error) {
	if l.ChallengeBits == 0 {
		return nil, nil
	}
	if len(secret) == 0 {
		return nil, fmt.Errorf("%w: --challenge-bits needs a --secret-file, the same on all nodes and front-ends", errUsage)
	}
	work, err := challenge.NewWork(challenge.WorkConfig{Secret: secret, DifficultyBits: l.ChallengeBits, Window: challenge.DefaultWindow})
	if err != nil {
		return nil, fmt.Errorf("%w: --challenge-bits: %w", errUsage, err)
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
			return nil, fmt.Errorf("%w: --trusted-proxies has %q, expected is a network as 10.0.0.0/8 or an address", errUsage, text)
		}
		proxies = append(proxies, proxy)
	}
	return proxies, nil
}
