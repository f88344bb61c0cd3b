package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/cluster/certificate"
)

// desk says how to reach a private listener.
type desk struct {
	address, token, secretFile, stateFile string
	files                                 certificate.Files
	patience                              patience
	given                                 *pflag.FlagSet
}

func (d *desk) flags(f *pflag.FlagSet) {
	d.addressFlags(f)
	f.StringVar(&d.token, "token", "", "token with the role seller or operator, else "+tokenVariable+"; without either one is made with the secret")
	f.StringVar(&d.secretFile, "secret-file", envOr("ONSALE_SECRET_FILE", "data/token-secret"), secretFileHelp)
}

// addressFlags say where the listener is, and not as whom it is asked.
func (d *desk) addressFlags(f *pflag.FlagSet) {
	d.given = f
	f.StringVar(&d.address, "private", envOr("ONSALE_PRIVATE", "127.0.0.1:8201"), "private listener of any node")
	f.StringVar(&d.stateFile, "state-file", os.Getenv("ONSALE_STATE_FILE"), "file that remembers which cluster was met, so that nodes of one that it succeeded are refused")
	f.StringVar(&d.files.Authority, "tls-ca", os.Getenv("ONSALE_TLS_CA"), "authority of a cluster that runs with TLS")
	f.StringVar(&d.files.Certificate, "tls-cert", os.Getenv("ONSALE_TLS_CERT"), "the operator's certificate (onsale tls cert --operator)")
	f.StringVar(&d.files.Key, "tls-key", os.Getenv("ONSALE_TLS_KEY"), "file with the private key of --tls-cert")
}

// transport returns how the listener is reached: with the operator's certificate
// when one is given.
func (d *desk) transport() (address string, h *http.Client, err error) {
	if d.files == (certificate.Files{}) {
		return d.address, nil, nil
	}
	c, err := certificate.Open(d.files, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", nil, fmt.Errorf("%w: TLS: %w", errUsage, err)
	}
	address = d.address
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	t := &http.Transport{TLSClientConfig: c.Client(certificate.Identity{Role: certificate.RoleNode})}
	return address, &http.Client{Transport: t, Timeout: 30 * time.Second}, nil
}

// tokenVariable names a seller's or operator's token in the environment: there the list of
// processes does not show it.
const tokenVariable = "ONSALE_TOKEN"

// ownToken returns the token that was given, "" when one is to be made: a flag wins over the
// environment.
func (d *desk) ownToken() string {
	if d.token != "" || d.given.Changed("secret-file") {
		return d.token
	}
	return os.Getenv(tokenVariable)
}

// open returns a client of the private listener.
func (d *desk) open() (*client.Seller, error) {
	token := d.ownToken()
	if token == "" {
		secret, err := readSecret(d.secretFile)
		if err != nil {
			return nil, fmt.Errorf("%w; give --token, %s or --secret-file", err, tokenVariable)
		}
		if token, err = issue(secret, "cli", auth.RoleSeller|auth.RoleOperator, d.patience.lifetime()); err != nil {
			return nil, err
		}
	}
	address, transport, err := d.transport()
	if err != nil {
		return nil, err
	}
	operator, err := client.NewSeller(client.Config{Address: address, Token: token, HTTP: transport})
	if err != nil || d.stateFile == "" {
		return operator, err
	}
	return operator, d.meet(operator)
}
