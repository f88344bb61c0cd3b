package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"onsale/internal/secretfile"
)

// Files are where a process' certificate is, its key, and the authority that it
// trusts. The authority's file may hold several while it is replaced.
type Files struct {
	Authority, Certificate, Key string
}

// Credentials are what a process proves itself with, kept in step with its files.
type Credentials struct {
	files  Files
	logger *slog.Logger
	now    func() time.Time

	current atomic.Pointer[loaded]
	mu      sync.Mutex
	looked  time.Time
	failed  string // what was told of files that do not load; "" when they do
}

// loaded is one state of the files; it never changes.
type loaded struct {
	certificate tls.Certificate
	authority   *x509.CertPool
	identity    Identity
	stamps      [3]stamp
}

// stamp tells whether a file changed. A file that was renamed over another one has an
// inode of its own; its time may be the same, because the system's clock of files stands
// still for some milliseconds.
type stamp struct {
	modified time.Time
	size     int64
	inode    uint64
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	s := stamp{modified: info.ModTime(), size: info.Size()}
	if system, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = system.Ino
	}
	return s, nil
}

// Open loads the files, or says which of them does not do.
func Open(files Files, logger *slog.Logger) (*Credentials, error) {
	c := &Credentials{files: files, logger: logger, now: time.Now}
	return c, c.Reload()
}

// EndsSoon is how long before its end a certificate is a warning.
const EndsSoon = 7 * 24 * time.Hour

// Own returns whom the certificate is for.
func (c *Credentials) Own() Identity { return c.current.Load().identity }

// NotAfter returns when the certificate ends.
func (c *Credentials) NotAfter() time.Time { return c.fresh().certificate.Leaf.NotAfter }

// Stale reports whether changed files do not load, so that what was read before is in
// force.
func (c *Credentials) Stale() bool {
	c.fresh()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed != ""
}

// Reload reads the files again. When they do not do, what was read before stays
// in force.
func (c *Credentials) Reload() error {
	next, err := c.load()
	if err != nil {
		return err
	}
	if old := c.current.Load(); old != nil && old.identity != next.identity {
		return fmt.Errorf("%w: %s is for %v, before it was for %v", ErrIdentity, c.files.Certificate, next.identity, old.identity)
	}
	c.current.Store(next)
	return nil
}

func (c *Credentials) load() (*loaded, error) {
	next := new(loaded)
	var err error
	if next.stamps, err = c.stamps(); err != nil {
		return nil, err
	}
	pool, err := os.ReadFile(c.files.Authority)
	if err != nil {
		return nil, err
	}
	next.authority = x509.NewCertPool()
	if !next.authority.AppendCertsFromPEM(pool) {
		return nil, fmt.Errorf("%s: no certificate in PEM", c.files.Authority)
	}
	if next.certificate, err = loadPair(c.files.Certificate, c.files.Key); err != nil {
		return nil, err
	}
	if next.identity, err = IdentityOf(next.certificate.Leaf); err != nil {
		return nil, fmt.Errorf("%s: %w", c.files.Certificate, err)
	}
	if err := verify(next.authority, next.certificate.Leaf, c.now()); err != nil {
		return nil, fmt.Errorf("%s: %w", c.files.Certificate, err)
	}
	return next, nil
}

func (c *Credentials) stamps() (all [3]stamp, err error) {
	for i, path := range [...]string{c.files.Authority, c.files.Certificate, c.files.Key} {
		if all[i], err = stampOf(path); err != nil {
			return all, err
		}
	}
	return all, nil
}

// lookInterval is how often the files are looked at, at most.
const lookInterval = time.Second

// fresh returns the credentials as the files are now.
func (c *Credentials) fresh() *loaded {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.looked) < lookInterval {
		return c.current.Load()
	}
	c.looked = c.now()
	stamps, err := c.stamps()
	if err == nil && stamps != c.current.Load().stamps {
		err = c.Reload()
	}
	if err == nil {
		c.failed = ""
	} else if err.Error() != c.failed {
		c.failed = err.Error()
		c.logger.Error("changed certificate files do not load; the old certificate stays in force", "error", err)
	}
	return c.current.Load()
}

// loadPair reads a certificate and its key, which nobody else may read.
func loadPair(certificateFile, keyFile string) (tls.Certificate, error) {
	certificate, err := os.ReadFile(certificateFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := secretfile.Read(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s: %w", certificateFile, keyFile, err)
	}
	return pair, nil
}

// verify checks a certificate against an authority.
func verify(authority *x509.CertPool, leaf *x509.Certificate, now time.Time) error {
	_, err := leaf.Verify(x509.VerifyOptions{Roots: authority, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}

// base is common to both sides.
func (c *Credentials) base() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &c.fresh().certificate, nil },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.fresh().certificate, nil },
	}
}

// errNoCertificate is returned when the other end shows none.
var errNoCertificate = errors.New("no certificate was shown")

// peer verifies the other end's certificate against the authority of now.
func (c *Credentials) peer(state tls.ConnectionState) (Identity, error) {
	if len(state.PeerCertificates) == 0 {
		return Identity{}, errNoCertificate
	}
	if err := verify(c.fresh().authority, state.PeerCertificates[0], c.now()); err != nil {
		return Identity{}, err
	}
	return IdentityOf(state.PeerCertificates[0])
}

// Server returns how callers with one of the roles are met, and no others.
func (c *Credentials) Server(roles ...Role) *tls.Config {
	config := c.base()
	config.ClientAuth = tls.RequireAnyClientCert // VerifyConnection does the rest, with the authority of then
	config.VerifyConnection = func(state tls.ConnectionState) error {
		is, err := c.peer(state)
		if err == nil && !slices.Contains(roles, is.Role) {
			err = fmt.Errorf("%w: %v, allowed are %v", ErrIdentity, is, roles)
		}
		return err
	}
	return config
}

// Client returns how a process is met that must be want; an empty id stands for
// any of the role.
func (c *Credentials) Client(want Identity) *tls.Config {
	config := c.base()
	config.InsecureSkipVerify = true // names are not checked; VerifyConnection checks who it is
	config.VerifyConnection = func(state tls.ConnectionState) error {
		is, err := c.peer(state)
		if err == nil && (is.Role != want.Role || want.ID != "" && is.ID != want.ID) {
			err = fmt.Errorf("%w: %v, wanted is %v", ErrIdentity, is, want)
		}
		return err
	}
	return config
}
