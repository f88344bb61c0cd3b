package certificate

import (
	"crypto/tls"
	"sync"
	"time"
)

// ServerOnly returns how browsers are met: TLS 1.2 or newer with a certificate that
// they know, read again when its file changes.
func ServerOnly(certificateFile, keyFile string) (*tls.Config, error) {
	s := &serverOnly{certificateFile: certificateFile, keyFile: keyFile}
	if err := s.load(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.fresh(), nil }}, nil
}

type serverOnly struct {
	certificateFile, keyFile string

	mu      sync.Mutex
	looked  time.Time
	stamp   stamp // of certificateFile, as current was read
	current *tls.Certificate
}

func (s *serverOnly) load() error {
	now, err := stampOf(s.certificateFile)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(s.certificateFile, s.keyFile)
	if err == nil {
		s.current, s.stamp = &pair, now
	}
	return err
}

// fresh returns the certificate as the files are now; one that does not load leaves
// the old one in force.
func (s *serverOnly) fresh() *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.looked) < lookInterval {
		return s.current
	}
	s.looked = time.Now()
	if now, err := stampOf(s.certificateFile); err == nil && now != s.stamp {
		_ = s.load()
	}
	return s.current
}
