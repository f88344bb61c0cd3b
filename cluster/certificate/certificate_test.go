package certificate

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"onsale/internal/secretfile"
)

// authority makes an authority and returns its folder.
func authority(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := CreateAuthority(dir, "test", time.Hour, time.Now()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func filesOf(dir string, is Identity) Files {
	certificate, key := is.Names()
	return Files{filepath.Join(dir, AuthorityFile), filepath.Join(dir, certificate), filepath.Join(dir, key)}
}

func issued(t *testing.T, dir string, is Identity) *Credentials {
	t.Helper()
	if err := Issue(dir, Request{Identity: is, Hosts: []string{"127.0.0.1", "localhost"}, Lifetime: time.Hour, Replace: true}, time.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := Open(filesOf(dir, is), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// meet lets two ends shake hands and exchange a byte each way.
func meet(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	b, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	a.SetDeadline(deadline)
	b.SetDeadline(deadline)
	done := make(chan error, 1)
	go func() {
		s := tls.Server(a, server)
		_, err := io.ReadFull(s, make([]byte, 1))
		if err == nil {
			_, err = s.Write([]byte{1})
		}
		a.Close()
		done <- err
	}()
	c := tls.Client(b, client)
	_, clientErr = c.Write([]byte{1})
	if clientErr == nil {
		_, clientErr = io.ReadFull(c, make([]byte, 1))
	}
	b.Close()
	return <-done, clientErr
}

func TestWhoMeetsWhom(t *testing.T) {
	dir, other := authority(t), authority(t)
	n1, n2 := issued(t, dir, Identity{RoleNode, "n1"}), issued(t, dir, Identity{RoleNode, "n2"})
	operator := issued(t, dir, Identity{RoleOperator, "ann"})
	stranger := issued(t, other, Identity{RoleNode, "n2"})
	old := tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS12}
	late := issued(t, dir, Identity{RoleNode, "n3"})
	for name, c := range map[string]struct {
		server *tls.Config
		client *tls.Config
		good   bool
	}{
		"a node":                  {n1.Server(RoleNode), n2.Client(Identity{RoleNode, "n1"}), true},
		"any node":                {n1.Server(RoleNode), n2.Client(Identity{Role: RoleNode}), true},
		"another node":            {n1.Server(RoleNode), n2.Client(Identity{RoleNode, "n9"}), false},
		"another role":            {n1.Server(RoleNode), operator.Client(Identity{RoleNode, "n1"}), false},
		"an operator":             {n1.Server(RoleNode, RoleOperator), operator.Client(Identity{Role: RoleNode}), true},
		"an operator as a server": {operator.Server(RoleNode), n1.Client(Identity{Role: RoleNode}), false},
		"another authority":       {n1.Server(RoleNode), stranger.Client(Identity{Role: RoleNode}), false},
		"a stranger's server":     {stranger.Server(RoleNode), n1.Client(Identity{Role: RoleNode}), false},
		"no certificate":          {n1.Server(RoleNode), &tls.Config{InsecureSkipVerify: true}, false},
		"TLS 1.2":                 {n1.Server(RoleNode), &old, false},
		"an expired client": {func() *tls.Config {
			n1 := issued(t, dir, Identity{RoleNode, "n1"})
			n1.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
			return n1.Server(RoleNode)
		}(), late.Client(Identity{Role: RoleNode}), false},
	} {
		t.Run(name, func(t *testing.T) {
			serverErr, clientErr := meet(t, c.server, c.client)
			if good := serverErr == nil && clientErr == nil; good != c.good {
				t.Fatalf("server %v, client %v", serverErr, clientErr)
			}
		})
	}
}

func TestPlaintextIsRefused(t *testing.T) {
	n1 := issued(t, authority(t), Identity{RoleNode, "n1"})
	a, b := net.Pipe()
	defer b.Close()
	go func() {
		b.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		io.Copy(io.Discard, b)
	}()
	if err := tls.Server(a, n1.Server(RoleNode)).Handshake(); err == nil {
		t.Fatal("plaintext was taken for TLS")
	}
	a.Close()
}

// A renewed certificate and a new authority count from the next handshake on; files
// that do not load change nothing.
func TestReload(t *testing.T) {
	dir := authority(t)
	n1, n2 := issued(t, dir, Identity{RoleNode, "n1"}), issued(t, dir, Identity{RoleNode, "n2"})
	clock := time.Now()
	n1.now = func() time.Time { return clock }
	before := n1.NotAfter()
	if err := Issue(dir, Request{Identity: Identity{RoleNode, "n1"}, Lifetime: 2 * time.Hour, Replace: true}, time.Now()); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(2 * lookInterval)
	if !n1.NotAfter().After(before) {
		t.Fatal("the renewed certificate was not taken")
	}
	renewed := n1.NotAfter()
	if err := writeFile(n1.files.Certificate, "CERTIFICATE", []byte("garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(2 * lookInterval)
	if !n1.NotAfter().Equal(renewed) || n1.Reload() == nil {
		t.Fatal("garbage was taken for a certificate")
	}
	if s, c := meet(t, n1.Server(RoleNode), n2.Client(Identity{RoleNode, "n1"})); s != nil || c != nil {
		t.Fatalf("the old certificate is not in force any more: %v, %v", s, c)
	}
	if err := Issue(dir, Request{Identity: Identity{RoleNode, "other"}, Lifetime: time.Hour}, time.Now()); err != nil {
		t.Fatal(err)
	}
	n1.files = Files{n1.files.Authority, filesOf(dir, Identity{RoleNode, "other"}).Certificate, filesOf(dir, Identity{RoleNode, "other"}).Key}
	if err := n1.Reload(); !errors.Is(err, ErrIdentity) {
		t.Fatalf("another node's certificate: %v", err)
	}
}

func TestIssueRefuses(t *testing.T) {
	dir := authority(t)
	if err := CreateAuthority(dir, "again", time.Hour, time.Now()); !errors.Is(err, ErrExists) {
		t.Fatalf("a second authority: %v", err)
	}
	issued(t, dir, Identity{RoleNode, "n1"})
	if err := Issue(dir, Request{Identity: Identity{RoleNode, "n1"}, Lifetime: time.Hour}, time.Now()); !errors.Is(err, ErrExists) {
		t.Fatalf("a second certificate: %v", err)
	}
	for _, bad := range []Identity{{"", "n1"}, {RoleNode, ""}, {RoleNode, "a/b"}, {"boss", "n1"}, {RoleNode, "ä"}} {
		if err := Issue(dir, Request{Identity: bad, Lifetime: time.Hour}, time.Now()); !errors.Is(err, ErrIdentity) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// A key that every user can read is not used, whoever's: a process's, one that was renewed, the
// buyers' listener's, the authority's.
func TestKeysOfEverybody(t *testing.T) {
	dir := authority(t)
	is := Identity{RoleNode, "n1"}
	n1 := issued(t, dir, is)
	expose := func(path string) {
		t.Helper()
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expose(n1.files.Key)
	if err := n1.Reload(); !errors.Is(err, secretfile.ErrExposed) {
		t.Errorf("renewed: %v", err)
	}
	if _, err := Open(n1.files, n1.logger); !errors.Is(err, secretfile.ErrExposed) {
		t.Errorf("a process's: %v", err)
	}
	if _, err := OpenPublic(n1.files.Certificate, n1.files.Key, slog.New(slog.DiscardHandler)); !errors.Is(err, secretfile.ErrExposed) {
		t.Errorf("the buyers' listener's: %v", err)
	}
	expose(filepath.Join(dir, authorityKeyFile))
	if err := Issue(dir, Request{Identity: is, Lifetime: time.Hour, Replace: true}, time.Now()); !errors.Is(err, secretfile.ErrExposed) {
		t.Errorf("the authority's: %v", err)
	}
}

func FuzzIdentity(f *testing.F) {
	for _, text := range []string{"onsale://node/n1", "onsale://node/n1/", "https://node/n1", "onsale://node/n1?x", "onsale://u@node/n1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		is, err := parseURI(u)
		if err == nil && (is.Validate() != nil || is.uri().String() != u.String()) {
			t.Fatalf("%q was read as %v", text, is)
		}
	})
}
