package certificate

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"onsale/internal/secretfile"
)

// ErrExists is returned when a file would be overwritten.
var ErrExists = errors.New("file exists")

// The authority's files in its folder.
const (
	AuthorityFile    = "ca.crt"
	authorityKeyFile = "ca.key"
)

// skew is by how much certificates are valid before they are made: clocks differ.
const skew = 5 * time.Minute

// CreateAuthority makes a new authority in a folder: ca.crt, which every process
// gets, and ca.key, which stays where certificates are made. ErrExists when there
// is one.
func CreateAuthority(dir, name string, lifetime time.Duration, now time.Time) error {
	template, err := newTemplate(name, lifetime, now)
	if err != nil {
		return err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.MaxPathLenZero = true
	template.KeyUsage = x509.KeyUsageCertSign
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	data, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return writePair(filepath.Join(dir, AuthorityFile), filepath.Join(dir, authorityKeyFile), data, private, false)
}

// Request asks for a certificate.
type Request struct {
	Identity
	// Hosts are names and addresses under which others reach the process; tools
	// that are not ours check them.
	Hosts    []string
	Lifetime time.Duration
	// Replace allows to overwrite a certificate of the same identity.
	Replace bool
}

// Names returns the files of an identity's certificate and key.
func (i Identity) Names() (certificate, key string) {
	return string(i.Role) + "-" + i.ID + ".crt", string(i.Role) + "-" + i.ID + ".key"
}

// Issue makes a certificate with the authority in a folder, beside it. ErrExists,
// ErrIdentity.
func Issue(dir string, r Request, now time.Time) error {
	if err := r.Validate(); err != nil {
		return err
	}
	authority, signer, err := loadAuthority(dir)
	if err != nil {
		return err
	}
	template, err := newTemplate(r.String(), r.Lifetime, now)
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.URIs = []*url.URL{r.uri()}
	for _, host := range r.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	data, err := x509.CreateCertificate(rand.Reader, template, authority, public, signer)
	if err != nil {
		return err
	}
	certificate, key := r.Names()
	return writePair(filepath.Join(dir, certificate), filepath.Join(dir, key), data, private, r.Replace)
}

func newTemplate(name string, lifetime time.Duration, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"onsale"}},
		NotBefore: now.Add(-skew), NotAfter: now.Add(lifetime)}, nil
}

func loadAuthority(dir string) (*x509.Certificate, crypto.Signer, error) {
	authority, err := readCertificate(filepath.Join(dir, AuthorityFile))
	if err != nil {
		return nil, nil, fmt.Errorf("%w; make an authority first: onsale tls ca --dir %s", err, dir)
	}
	data, err := secretfile.Read(filepath.Join(dir, authorityKeyFile))
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, nil, fmt.Errorf("%s: no PEM", authorityKeyFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, nil, fmt.Errorf("%s: no private key (%w)", authorityKeyFile, err)
	}
	return authority, signer, nil
}

// ReadCertificate reads the first certificate of a PEM file.
func ReadCertificate(path string) (*x509.Certificate, error) { return readCertificate(path) }

func readCertificate(path string) (*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s: no certificate in PEM", path)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// writePair writes a certificate and its key. The key comes first: who finds the
// certificate finds its key.
func writePair(certificatePath, keyPath string, certificate []byte, private ed25519.PrivateKey, replace bool) error {
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if !replace {
		for _, path := range [...]string{certificatePath, keyPath} {
			if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w: %s", ErrExists, path)
			}
		}
	}
	if err := writeFile(keyPath, "PRIVATE KEY", key, 0o600); err != nil {
		return err
	}
	return writeFile(certificatePath, "CERTIFICATE", certificate, 0o644)
}

// writeFile writes aside and renames: the file is the old or the new one.
func writeFile(path, kind string, data []byte, mode fs.FileMode) error {
	aside := path + ".new"
	f, err := os.OpenFile(aside, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	err = pem.Encode(f, &pem.Block{Type: kind, Bytes: data})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(aside, path)
}
