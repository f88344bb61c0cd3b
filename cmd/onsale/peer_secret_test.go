package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"onsale/raftfsm/peer"
)

// A file has one secret, or the new one with those before it; none stands for no secret and
// is not enough by itself.
func TestPeerSecretFile(t *testing.T) {
	long, other := strings.Repeat("p", peer.SecretBytesMin), strings.Repeat("q", peer.SecretBytesMin)
	path := filepath.Join(t.TempDir(), "peer-secret")
	for text, want := range map[string]any{
		long:                                  [][]byte{[]byte(long)},
		"\n " + long + "\r\n\n":               [][]byte{[]byte(long)},
		long + "\n" + other + "\n":            [][]byte{[]byte(long), []byte(other)},
		long + "\nnone\n":                     [][]byte{[]byte(long), nil},
		"none\n" + long:                       [][]byte{nil, []byte(long)},
		"":                                    "has 0 secrets, expected are 1 to 8",
		"none\n":                              "has 0 secrets",
		long + "\n" + long[1:]:                "line 2 of " + path + " has 31 bytes, at least 32 are needed",
		strings.Repeat(long+"\n", 9):          "has 9 secrets",
		strings.Repeat(long+"\n", 8) + "none": "expected are 1 to 8",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		secrets, err := readPeerSecrets(path)
		if says, is := want.(string); is {
			if err == nil || secrets != nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), long[1:]) {
				t.Errorf("%q: %q, %v", text, secrets, err)
			}
		} else if err != nil || !reflect.DeepEqual(secrets, want) {
			t.Errorf("%q: %q, %v", text, secrets, err)
		}
	}
}

// Who needs a peer secret, and where it lies.
func TestWhoNeedsAPeerSecret(t *testing.T) {
	for _, c := range []struct {
		what string
		set  func(*settings)
		path string
		err  bool
	}{
		{"alone", func(*settings) {}, "data/peer-secret", false},
		{"alone, named", func(s *settings) { s.PeerSecretFile = "x" }, "x", true},
		{"alone with TLS", func(s *settings) { s.TLS.Certificate = "c" }, "", false},
		{"several", func(s *settings) { s.Join = []string{"h:1"} }, "", true},
		{"waiting", func(s *settings) { s.WaitToJoin = true }, "", true},
		{"several with TLS", func(s *settings) { s.Join, s.TLS.Certificate = []string{"h:1"}, "c" }, "", false},
	} {
		s := newSettings()
		c.set(s)
		secrets, err := s.readPeerSecrets()
		if path := s.peerSecretPath(); path != c.path || (err != nil) != c.err || secrets != nil {
			t.Errorf("%s: %q, %q, %v", c.what, path, secrets, err)
		}
	}
	front := newFrontEndSettings()
	if _, err := front.readPeerSecrets(); err == nil {
		t.Error("a front-end without TLS does without")
	}
	front.TLS.Certificate = "c"
	if secrets, err := front.readPeerSecrets(); err != nil || secrets != nil {
		t.Errorf("a front-end with TLS: %q, %v", secrets, err)
	}
}

// What a process says of itself has no secret in it.
func TestSecretsAreNotShown(t *testing.T) {
	nodes := newNodes(t, 1)
	nodes[0].start()
	leaderAmong(t, nodes)
	token := command(t, 0, "token", "--user", "op", "--role", "operator", "--secret-file", nodes[0].secretFile)
	shown := nodes[0].log() + command(t, 0, "config", "print", "--peer-secret-file", nodes[0].peerSecretFile)
	for _, path := range []string{"/v1/node", "/metrics", "/readyz?verbose", "/debug/pprof/cmdline", "/v1/cluster/status"} {
		code, body := nodes[0].get(path, strings.TrimSpace(token))
		if code >= 300 && path != "/v1/cluster/status" {
			t.Errorf("%s: %d %s", path, code, body)
		}
		shown += body
	}
	for _, path := range []string{nodes[0].secretFile, nodes[0].peerSecretFile} {
		secret, err := os.ReadFile(path)
		if err != nil || bytes.Contains([]byte(shown), secret) {
			t.Errorf("%s is shown, %v", path, err)
		}
	}
	nodes[0].stop()
}
