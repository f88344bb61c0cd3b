package main

import "testing"

func TestLimitSettingsFromEnvironment(t *testing.T) {
	t.Setenv("ONSALE_TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.7")
	t.Setenv("ONSALE_USER_REQUESTS_PER_SECOND", "0")
	has(t, command(t, 0, "config", "print"), "10.0.0.0/8", "192.0.2.7")
	command(t, 0, "config", "validate")
	has(t, command(t, 2, "config", "validate", "--trusted-proxies", "nonsense"), "--trusted-proxies")
	has(t, command(t, 2, "config", "validate", "--trusted-proxies", "::ffff:10.0.0.0/104"), "TrustedProxies")
	has(t, command(t, 2, "config", "validate", "--address-requests-per-second", "-1"), "address")
	has(t, command(t, 2, "config", "validate", "--user-requests-per-second", "1", "--user-burst", "0"), "user")
}

// A buy by command solves what the node asks for, unless told not to.
func TestChallengeByCommand(t *testing.T) {
	t.Setenv("ONSALE_CHALLENGE_BITS", "10")
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "9")
	has(t, o.buy(0, "ann", "buy"), "reserved")
	has(t, o.buy(1, "ann", "buy", "--challenge-bits-max", "0"), "challenge-required")
	has(t, o.buy(1, "ann", "buy", "--challenge-bits-max", "9"), "10 bits")
	has(t, command(t, 2, "config", "validate", "--challenge-bits", "31"), "--challenge-bits")
	p := newProvider(t)
	has(t, command(t, 2, "frontend", "--http", "127.0.0.1:0", "--private", "127.0.0.1:0", "--cluster", "127.0.0.1:1", "--jwks-file", p.file, "--token-issuer", "x"), "--secret-file")
}
