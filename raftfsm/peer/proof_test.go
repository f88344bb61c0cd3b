package peer

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"
)

var oneSecret, otherSecret = bytes.Repeat([]byte{1}, SecretBytesMin), bytes.Repeat([]byte{2}, SecretBytesMin)

// Only who has the same secret is let in, and is called; a successor's hello without it
// supersedes nobody.
func TestPeerSecret(t *testing.T) {
	for name, c := range map[string]struct {
		caller, listener []byte
		err              error
	}{
		"neither has one":       {nil, nil, nil},
		"both have it":          {oneSecret, oneSecret, nil},
		"they have others":      {otherSecret, oneSecret, ErrSecret},
		"the caller has none":   {nil, oneSecret, ErrSecret},
		"the listener has none": {oneSecret, nil, ErrSecret},
	} {
		for _, secured := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				listening, calling := configOf("n1", Node, lineage("a")), configOf("n2", Node, lineage("a"))
				listening.Secrets, calling.Secrets = secretsOf(c.listener), secretsOf(c.caller)
				if secured {
					listening.Credentials, calling.Credentials = credentialsOf(t, "n1"), credentialsOf(t, "n2")
				}
				var here, there fences
				listening.Fenced, calling.Fenced = there.record, here.record
				l, address := serve(t, listening)
				if _, _, err := meet(t, l, &calling, Forward, "n1"); !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
					t.Fatalf("answered %v, want %v", err, c.err)
				}
				if c.err == nil {
					return
				}
				for _, births := range []string{"ab", "a"} { // each side says once that it is the newer one
					calling.Cluster = func() (Lineage, uint8) { return lineage(births), 3 }
					if _, err := Dial(t.Context(), &calling, address, Forward, "n1"); !errors.Is(err, ErrSecret) {
						t.Errorf("answered %v", err)
					}
				}
				here.is(t, "the caller", "", nil)
				there.is(t, "the listener", "", nil)
			})
		}
	}
	wrong := configOf("n1", Node, nil)
	wrong.Secrets = [][]byte{oneSecret, oneSecret[1:]}
	if _, err := Listen("127.0.0.1:0", wrong); !errors.Is(err, errSecret) {
		t.Errorf("a short secret: %v", err)
	}
	wrong.Secrets = slices.Repeat([][]byte{oneSecret}, SecretsMax+1)
	if _, err := Listen("127.0.0.1:0", wrong); !errors.Is(err, errSecrets) {
		t.Errorf("many secrets: %v", err)
	}
}

func secretsOf(secret []byte) [][]byte {
	if secret == nil {
		return nil
	}
	return [][]byte{secret}
}

// A secret is introduced, and changed, process by process: whatever of an old and a new one
// two processes have, they meet as long as they have one in common, whichever is first; and
// nobody meets without.
func TestPeerSecretsChange(t *testing.T) {
	for _, from := range [][]byte{nil, otherSecret} {
		before, between, after := [][]byte{from}, [][]byte{oneSecret, from}, [][]byte{oneSecret}
		third := bytes.Repeat([]byte{3}, SecretBytesMin)
		for _, c := range []struct {
			caller, listener [][]byte
			err              error
		}{
			{before, between, nil}, {between, before, nil}, {between, between, nil}, {between, after, nil}, {after, between, nil},
			{before, after, ErrSecret}, {after, before, ErrSecret}, {[][]byte{third}, between, ErrSecret}, {between, [][]byte{third}, ErrSecret},
		} {
			listening, calling := configOf("n1", Node, lineage("a")), configOf("n2", Node, lineage("a"))
			listening.Secrets, calling.Secrets = c.listener, c.caller
			l, _ := serve(t, listening)
			if _, _, err := meet(t, l, &calling, Forward, "n1"); !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("%d calls %d: answered %v, want %v", c.caller, c.listener, err, c.err)
			}
		}
	}
}

// An impostor that answers a caller with a secret is not taken for a successor.
func TestImpostorSupersedesNobody(t *testing.T) {
	listening := configOf("n1", Node, lineage("ab")) // without the secret
	_, address := serve(t, listening)
	var here fences
	calling := configOf("n2", Node, lineage("a"))
	calling.Secrets, calling.Fenced = secretsOf(oneSecret), here.record
	if _, err := Dial(t.Context(), &calling, address, Forward, "n1"); !errors.Is(err, ErrSecret) {
		t.Errorf("answered %v", err)
	}
	here.is(t, "the caller", "", nil)
}

// Everything that was said is under the proof: who changes a byte of it on the way, or
// repeats what was said on another connection, is refused.
func TestProofCoversEverything(t *testing.T) {
	h := hello{word: byte(Forward), role: Node, number: 1, start: 3, id: "n1", births: lineage("ab"), nonce: newNonce()}
	greeting := newNonce()
	said := func(greeting nonce, binding string) *transcript {
		return &transcript{said: greeting.greeting(), binding: []byte(binding)}
	}
	sound := said(greeting, "x").say(oneSecret, callerSide, &h)
	heard := func(encoded []byte, greeting nonce, binding string, side byte) bool {
		got, data, err := readHello(bytes.NewReader(encoded))
		if err != nil {
			return false
		}
		_, proven := said(greeting, binding).heard(secretsOf(oneSecret), side, &got, data)
		return proven
	}
	if !heard(sound, greeting, "x", callerSide) {
		t.Fatal("a sound proof was refused")
	}
	for i := range sound {
		changed := bytes.Clone(sound)
		changed[i] ^= 1
		if heard(changed, greeting, "x", callerSide) {
			t.Errorf("byte %d was changed, and nobody noticed", i)
		}
	}
	if heard(sound, newNonce(), "x", callerSide) || heard(sound, greeting, "y", callerSide) || heard(sound, greeting, "x", listenerSide) {
		t.Error("a proof of another connection, channel or side was taken")
	}
}

// Who stands between two TLS connections cannot pass a proof on, although both ends take its
// certificate.
func TestProofIsBoundToTheChannel(t *testing.T) {
	listening, calling := configOf("n1", Node, lineage("a")), configOf("n2", Node, lineage("a"))
	listening.Secrets, calling.Secrets = secretsOf(oneSecret), secretsOf(oneSecret)
	// The node does not look at the certificates, so that the proof alone decides.
	trusting := credentialsOf(t, "n2")
	listening.Credentials = trusting
	l, address := serve(t, listening)

	between, err := tls.Listen("tcp", "127.0.0.1:0", credentialsOf(t, "n1").Server())
	if err != nil {
		t.Fatal(err)
	}
	defer between.Close()
	go func() {
		one, err := between.Accept()
		if err != nil {
			return
		}
		two, err := tls.Dial("tcp", address, trusting.Client(""))
		if err != nil {
			return
		}
		go func() { io.Copy(one, two); one.Close() }()
		io.Copy(two, one)
		two.Close()
	}()
	calling.Credentials = credentialsOf(t, "n2")
	conn, err := Dial(t.Context(), &calling, between.Addr().String(), Forward, "")
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, ErrSecret) {
		t.Errorf("answered %v", err)
	}
	eventually(t, "the refusal", func() bool { _, refusals := l.Connections(); return refusals == 1 })
}

// played are credentials of a test: the certificate's name is the process's id.
type played struct{ certificate tls.Certificate }

func credentialsOf(t *testing.T, id string) *played {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: id}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return &played{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}}
}

func (p *played) Server() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{p.certificate}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}
}

func (p *played) Client(string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{p.certificate}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
}

func (p *played) PeerOf(state tls.ConnectionState) (Role, string, error) {
	if len(state.PeerCertificates) == 0 {
		return 0, "", net.ErrClosed
	}
	return Node, state.PeerCertificates[0].Subject.CommonName, nil
}

// Under TLS a hello counts only beside its own certificate: one that says to be another
// node supersedes nobody.
func TestHelloOfAnotherCertificate(t *testing.T) {
	var there, here fences
	listening, calling := configOf("n1", Node, lineage("a")), configOf("n2", Node, lineage("ab"))
	listening.Credentials, calling.Credentials = credentialsOf(t, "n1"), credentialsOf(t, "n3")
	listening.Fenced, calling.Fenced = there.record, here.record
	_, address := serve(t, listening)
	if _, err := Dial(t.Context(), &calling, address, Forward, "n1"); !errors.Is(err, ErrOlderCluster) {
		t.Errorf("answered %v", err) // the caller knows whom it has met
	}
	there.is(t, "the node", "", nil)
	calling.Cluster = func() (Lineage, uint8) { return lineage("a"), 3 }
	if _, err := Dial(t.Context(), &calling, address, Forward, "n1"); !errors.Is(err, ErrOtherNode) {
		t.Errorf("answered %v", err)
	}
}
