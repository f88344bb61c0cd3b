package certificate

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"time"
)

// Public is a certificate that browsers know, for a port that strangers reach. It is kept in
// step with its files, as Credentials are.
type Public struct {
	certificateFile, keyFile string
	logger                   *slog.Logger
	now                      func() time.Time

	mu      sync.Mutex
	looked  time.Time
	stamps  [2]stamp // of the files, as current was read
	current *tls.Certificate
	failed  string // what was told of files that do not load; "" when they do
}

// OpenPublic loads the files, or says which of them does not do.
func OpenPublic(certificateFile, keyFile string, logger *slog.Logger) (*Public, error) {
	p := &Public{certificateFile: certificateFile, keyFile: keyFile, logger: logger, now: time.Now}
	stamps, err := p.stampsNow()
	if err != nil {
		return nil, err
	}
	return p, p.load(stamps)
}

// Config returns how browsers are met: with TLS 1.2 or newer.
func (p *Public) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		current, _ := p.fresh()
		return current, nil
	}}
}

// NotAfter returns when the certificate ends.
func (p *Public) NotAfter() time.Time {
	current, _ := p.fresh()
	return current.Leaf.NotAfter
}

// Stale reports whether changed files do not load, so that what was read before is in force.
func (p *Public) Stale() bool {
	_, failed := p.fresh()
	return failed != ""
}

func (p *Public) stampsNow() (all [2]stamp, err error) {
	for i, path := range [...]string{p.certificateFile, p.keyFile} {
		if all[i], err = stampOf(path); err != nil {
			return all, err
		}
	}
	return all, nil
}

func (p *Public) load(stamps [2]stamp) error {
	pair, err := loadPair(p.certificateFile, p.keyFile)
	if err == nil {
		p.current, p.stamps = &pair, stamps
	}
	return err
}

// fresh returns the certificate as the files are now, and what is wrong with them; files that
// do not load leave the old one in force.
func (p *Public) fresh() (*tls.Certificate, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now().Sub(p.looked) < lookInterval {
		return p.current, p.failed
	}
	p.looked = p.now()
	stamps, err := p.stampsNow()
	if err == nil && stamps != p.stamps {
		err = p.load(stamps)
	}
	if err == nil {
		p.failed = ""
	} else if err.Error() != p.failed {
		p.failed = err.Error()
		p.logger.Error("changed files of the buyers' certificate do not load; the old certificate stays in force", "error", err)
	}
	return p.current, p.failed
}
