package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"onsale/api"
	"onsale/cluster/certificate"
	"onsale/internal/pseudonym"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// security says how a process proves who it is, and whether it may do without.
type security struct {
	certificate.Files // of what everything but the buyers' listener shows
	HTTPCert, HTTPKey string
	Insecure          bool
}

// open loads the credentials; nil when the process runs without.
func (s *security) open(want certificate.Identity, log *slog.Logger) (*certificate.Credentials, error) {
	if s.Authority == "" && s.Certificate == "" && s.Key == "" {
		return nil, nil
	}
	if s.Authority == "" || s.Certificate == "" || s.Key == "" {
		return nil, errors.New("--tls-ca, --tls-cert and --tls-key belong together")
	}
	c, err := certificate.Open(s.Files, log)
	if err != nil {
		return nil, fmt.Errorf("--tls-ca, --tls-cert and --tls-key: %w", err)
	}
	if c.Own() != want {
		return nil, fmt.Errorf("--tls-cert: %s is for %v, this is %v; make one with `onsale tls cert`", s.Certificate, c.Own(), want)
	}
	return c, nil
}

// allow refuses a listener beyond loopback that nothing protects.
func (s *security) allow(flag, address string, protected bool) error {
	beyond, err := certificate.BeyondLoopback(address)
	if err != nil {
		return fmt.Errorf("--%s is %q, expected is HOST:PORT", flag, address)
	}
	if beyond && !protected && !s.Insecure {
		return fmt.Errorf("--%s %s can be reached from other machines, and without TLS by anybody; "+
			"see `onsale tls --help`, or say --insecure", flag, address)
	}
	return nil
}

// operators serves the private listener, with credentials to callers with a certificate
// alone.
func operators(private *api.Private, c *certificate.Credentials) func(net.Listener) error {
	if c == nil {
		return private.Serve
	}
	config := c.Server(certificate.RoleOperator, certificate.RoleNode)
	return func(listener net.Listener) error { return private.ServeTLS(listener, config) }
}

// buyers returns how the buyers' port is secured with a certificate of its own; nil
// when it has none.
func (s *security) buyers(log *slog.Logger) (*certificate.Public, error) {
	if s.HTTPCert == "" && s.HTTPKey == "" {
		return nil, nil
	}
	pair, err := certificate.OpenPublic(s.HTTPCert, s.HTTPKey, log)
	if err != nil {
		return nil, fmt.Errorf("--http-tls-cert and --http-tls-key: %w", err)
	}
	return pair, nil
}

// buyersListener is the buyers' port; buyers may be nil.
func buyersListener(listener net.Listener, buyers *certificate.Public) net.Listener {
	if buyers == nil {
		return listener
	}
	return tls.NewListener(listener, buyers.Config())
}

// peerCredentials shows a process's certificate to its peers.
type peerCredentials struct{ *certificate.Credentials }

func (p peerCredentials) Server() *tls.Config {
	return p.Credentials.Server(certificate.RoleNode, certificate.RoleFrontEnd, certificate.RoleReader)
}

func (p peerCredentials) Client(wantID string) *tls.Config {
	return p.Credentials.Client(certificate.Identity{Role: certificate.RoleNode, ID: wantID})
}

func (p peerCredentials) PeerOf(state tls.ConnectionState) (peer.Role, string, error) {
	is, err := certificate.PeerOf(state)
	switch is.Role {
	case certificate.RoleNode:
		return peer.Node, is.ID, err
	case certificate.RoleFrontEnd:
		return peer.FrontEnd, is.ID, err
	case certificate.RoleReader:
		return peer.Reader, is.ID, err
	}
	return 0, is.ID, err
}

// peerConfig says how a process meets others, and which keys of pseudonyms it has.
func peerConfig(c *certificate.Credentials, secrets [][]byte, pseudonyms *pseudonym.Keys, log *slog.Logger) peer.Config {
	config := peer.DefaultConfig()
	for i, id := range pseudonyms.IDs() { // pseudonym.KeysMax is peer.PseudonymKeysMax
		config.PseudonymKeys[i] = uint32(id)
	}
	config.Logger, config.Secrets, config.Build = log, secrets, version()
	config.Levels = func() (speaks, cluster uint16) { return sequencer.LevelMax, 0 } // a node knows its cluster's
	if c != nil {
		config.Credentials = peerCredentials{c}
	}
	return config
}
