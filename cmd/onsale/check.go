package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"

	"onsale/api/auth"
	"onsale/cluster/certificate"
	"onsale/internal/secretfile"
	"onsale/internal/setting"
	"onsale/raftfsm/folder"
)

// usage says all that is wrong with settings at once; nil when nothing is.
func usage(problems ...error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return nil
}

// check says all that is wrong with a node's settings and the files that they name. It
// binds no port, makes no file, and asks nobody.
func (s *settings) check() error {
	fresh := func() (*setting.Set, func() error) {
		s := newSettings()
		return s.Set, s.bounds
	}
	own := certificate.Identity{Role: certificate.RoleNode, ID: s.Node.NodeID}
	return usage(s.Blame(s.bounds(), fresh), s.checkAddresses(),
		s.TLS.allow("peer", s.Node.RaftAddress, s.TLS.Certificate != ""),
		s.checkJoin(), s.checkTickets(), s.checkFiles(own, s.readSecrets, s.readPeerSecrets), s.checkProvider())
}

// check does the same for a front-end.
func (s *frontEndSettings) check() error {
	fresh := func() (*setting.Set, func() error) {
		s := newFrontEndSettings()
		return s.Set, s.bounds
	}
	own := certificate.Identity{Role: certificate.RoleFrontEnd, ID: s.ID}
	_, clusters := entries(s)
	return usage(s.Blame(s.bounds(), fresh), s.checkAddresses(), clusters, s.checkFiles(own, s.secrets, s.readPeerSecrets))
}

// peerConnectionsMaxMax bounds --peer-connections-max.
const peerConnectionsMaxMax = 1 << 20

// bounds are what the packages allow.
func (s *settings) bounds() error {
	_, node := s.node()
	if s.PeerConnectionsMax < filesSomeMin || s.PeerConnectionsMax > peerConnectionsMaxMax {
		node = errors.Join(node, fmt.Errorf("%d connections of peers, allowed are %d to %d", s.PeerConnectionsMax, filesSomeMin, peerConnectionsMaxMax))
	}
	filling := s.Backfill
	filling.Free = func() (int64, error) { return 0, nil }
	return errors.Join(s.processSettings.bounds(), node, filling.Validate())
}

func (s *processSettings) bounds() error {
	_, logger := newLogger(io.Discard, s.LogFormat, s.LogLevel, new(slog.LevelVar))
	secrets := [][]byte{make([]byte, auth.SecretBytesMin)}
	web, err := s.web(nil, slog.New(slog.DiscardHandler))
	if err == nil {
		err = web.Validate()
	}
	if s.ChallengeBits != 0 {
		gate := &workGate{bits: s.ChallengeBits}
		err = errors.Join(err, gate.reopen(secrets))
	}
	tokens := s.Tokens.Config
	tokens.Secrets = secrets
	return errors.Join(logger, err, tokens.Validate())
}

// checkAddresses refuses what is no address, and listeners that strangers could reach.
func (s *processSettings) checkAddresses() error {
	var names []error
	for _, name := range s.Web.PrivateHosts {
		if name == "" || strings.ContainsAny(name, ":/*") {
			names = append(names, fmt.Errorf("--private-hosts has %q, expected is a name without a port", name))
		}
	}
	return errors.Join(errors.Join(names...), s.TLS.allow("private", s.Private, s.TLS.Certificate != ""),
		s.TLS.allow("http", s.HTTP, s.TLS.HTTPCert != ""))
}

// checkJoin checks what belongs together.
func (s *settings) checkJoin() (wrong error) {
	for _, address := range s.Join {
		if _, _, err := net.SplitHostPort(address); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("--join has %q, expected is HOST:PORT", address))
		}
	}
	own := s.Node.AdvertiseAddress
	if own == "" {
		own = s.Node.RaftAddress
	}
	if host, _, err := net.SplitHostPort(own); err == nil && !s.alone() && (host == "" || net.ParseIP(host).IsUnspecified()) {
		return fmt.Errorf("--peer %s says where to listen; say with --advertise where the other nodes reach this one", own)
	}
	switch expect := s.BootstrapExpect; {
	case expect == 0 && s.Learner && len(s.Join) == 0:
		return errors.New("--learner needs --join")
	case expect == 0:
	case s.isMember(): // it may have moved since
	case expect != len(s.Join) || !slices.Contains(s.Join, own):
		return fmt.Errorf("--bootstrap-expect %d needs --join with the %d addresses of all nodes, "+
			"this one's (%s) among them; it has %d", expect, expect, own, len(s.Join))
	case s.Learner:
		return errors.New("--learner joins a cluster, --bootstrap-expect makes one")
	}
	return wrong
}

// isMember reports whether the data folder says that this node belongs to a cluster.
func (s *settings) isMember() bool {
	is, err := folder.ReadIdentity(s.Node.DataDir)
	return err == nil && is.ClusterID != ""
}

// checkFiles reads every file that a setting names.
func (s *processSettings) checkFiles(want certificate.Identity, readSecrets, readPeerSecrets func() ([][]byte, error)) error {
	unreadable := s.Unreadable(secretfile.Read)
	problems := []error{s.Tokens.check()}
	if _, err := s.readPseudonyms(); err != nil {
		problems = append(problems, err)
	}
	for _, name := range s.Names() {
		if err := unreadable[name]; err != nil {
			problems = append(problems, fmt.Errorf("--%s: %w", name, err))
		}
	}
	readable := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return unreadable[name] != nil })
	}
	if readable("tls-ca", "tls-cert", "tls-key") {
		_, err := s.TLS.open(want, slog.New(slog.DiscardHandler))
		problems = append(problems, err)
	}
	if readable("http-tls-cert", "http-tls-key") {
		_, err := s.TLS.buyers(slog.New(slog.DiscardHandler))
		problems = append(problems, err)
	}
	_, err := readPeerSecrets()
	problems = append(problems, err)
	secrets, err := readSecrets()
	problems = append(problems, err, s.checkChallengeSecrets(err == nil && len(secrets) == 0))
	if readable(auth.FileKeys) {
		problems = append(problems, s.Tokens.tryKeys())
	}
	if readable(auth.FileRevoked) {
		problems = append(problems, s.Tokens.tryRevoked())
	}
	return errors.Join(problems...)
}

// checkChallengeSecrets reads the file of the challenges' secrets, or says that there is none.
func (s *processSettings) checkChallengeSecrets(noTokenSecrets bool) error {
	switch {
	case s.ChallengeSecretFile != "":
		if _, err := auth.ReadSecrets(s.ChallengeSecretFile); err != nil {
			return fmt.Errorf("--%s: %w", fileChallenge, err)
		}
	case s.ChallengeBits > 0 && noTokenSecrets:
		return errNoChallengeSecret
	}
	return nil
}
