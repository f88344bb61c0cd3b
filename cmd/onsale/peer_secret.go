package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"

	"onsale/internal/secretfile"
	"onsale/raftfsm/peer"
)

// errNoPeerSecret is returned for a process whose peers' port nothing would protect.
var errNoPeerSecret = errors.New("without TLS the processes of a cluster need the same --peer-secret-file")

// noProof is the line that stands for no proof, while a secret is introduced.
const noProof = "none"

// errPeerSecret is returned for a file whose lines are no peer secrets.
var errPeerSecret = errors.New("no peer secret file")

// loadPeerSecrets returns what the node proves to its peers, and they to it; nothing with TLS,
// unless a file is named. One node alone makes its own where there is none.
func (s *settings) loadPeerSecrets(log *slog.Logger) ([][]byte, error) {
	if path := s.peerSecretPath(); s.makesPeerSecret() {
		if err := secretfile.Make(path); err != nil {
			return nil, fmt.Errorf("make the peer secret: %w", err)
		}
		log.Info("made a peer secret: front-ends, and nodes that join, need a copy of it (--peer-secret-file)", "file", path)
	}
	return s.readPeerSecrets()
}

// peerSecretPath returns where the node's peer secret is kept; "" when it has none.
func (s *settings) peerSecretPath() string {
	if s.PeerSecretFile == "" && s.TLS.Certificate == "" && s.alone() {
		return filepath.Join(s.Node.DataDir, "peer-secret")
	}
	return s.PeerSecretFile
}

// makesPeerSecret reports whether the node makes its own when it starts. In an old folder it
// does too: one that ran before there were peer secrets must not stay open to strangers, and
// nothing that was given out depends on it.
func (s *settings) makesPeerSecret() bool {
	path := s.peerSecretPath()
	return s.PeerSecretFile == "" && path != "" && !isThere(path)
}

// readPeerSecrets is loadPeerSecrets, and makes nothing.
func (s *settings) readPeerSecrets() ([][]byte, error) {
	if s.makesPeerSecret() {
		return nil, nil // when it starts
	}
	path := s.peerSecretPath()
	if path == "" && s.TLS.Certificate == "" {
		return nil, fmt.Errorf("%w: make one with `onsale secret FILE` and give it to each node and front-end", errNoPeerSecret)
	}
	return readPeerSecrets(path)
}

// readPeerSecrets returns what the front-end proves to the nodes, and they to it.
func (s *frontEndSettings) readPeerSecrets() ([][]byte, error) {
	if s.PeerSecretFile == "" && s.TLS.Certificate == "" {
		return nil, fmt.Errorf("%w: give the nodes' (DATA-DIR/peer-secret of one node alone)", errNoPeerSecret)
	}
	return readPeerSecrets(s.PeerSecretFile)
}

// readPeerSecrets reads the file, a secret a line; none without a file. White space around a
// secret does not count.
func readPeerSecrets(path string) ([][]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := secretfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--peer-secret-file: %w; all nodes and front-ends need the same: copy it here", err)
	}
	if err != nil {
		return nil, fmt.Errorf("--peer-secret-file: %w", err)
	}

	var secrets [][]byte
	proofs := 0
	for i, line := range secretfile.Lines(data) {
		if string(line) == noProof {
			secrets = append(secrets, nil)
			continue
		}
		if len(line) < peer.SecretBytesMin {
			return nil, fmt.Errorf("--peer-secret-file: %w: line %d of %s has %d bytes, at least %d are needed",
				errPeerSecret, i+1, path, len(line), peer.SecretBytesMin)
		}
		secrets = append(secrets, line)
		proofs++
	}
	if proofs == 0 || len(secrets) > peer.SecretsMax {
		return nil, fmt.Errorf("--peer-secret-file: %w: %s has %d secrets, expected are 1 to %d",
			errPeerSecret, path, proofs, peer.SecretsMax)
	}
	return secrets, nil
}

// warnOfReaders says who else may have a secret, or needs none.
func (s *processSettings) warnOfReaders(peerSecrets [][]byte, log *slog.Logger) {
	for name, path := range s.Secrets() {
		if secretfile.GroupReads(path) {
			log.Warn("the group of this file can read the secret in it", "setting", name, "file", path)
		}
	}
	if slices.ContainsFunc(peerSecrets, func(secret []byte) bool { return secret == nil }) {
		log.Warn("peers are let in without a secret: take the line none out of the file when all processes have one",
			"setting", "peer-secret-file")
	}
}
