package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"onsale/api/auth"
	"onsale/webhook"
)

// webhookSettings is what `onsale webhooks` can be told.
type webhookSettings struct {
	processSettings
	Nodes     []string // private listeners
	StatePath string
	// Endpoints is the table of the configuration file.
	Endpoints map[string]webhook.Endpoint
}

// newWebhookSettings declares them.
func newWebhookSettings() *webhookSettings {
	s := &webhookSettings{processSettings: newProcessSettings("", "127.0.0.1:8601"), Nodes: []string{"127.0.0.1:8201"}, StatePath: "webhooks.db"}
	s.Group("The process and its addresses")
	s.Add(&s.Nodes, "node", "HOST:PORT,HOST:PORT,… of the private listeners of the cluster's nodes, whose feed is read: of the first that answers")
	s.Add(&s.StatePath, "state", "file of what was delivered and what waits; it belongs to one process at a time and must survive, "+
		"as a node's data must")
	s.Add(&s.Private, "private", "HOST:PORT where operators and Prometheus reach this process, without TLS")
	s.addLogs()

	s.Group("Who may connect")
	s.AddSecret(&s.SecretFile, "secret-file",
		"file with the secrets of the tokens, as the nodes have it: this process makes its tokens for the feed with it, and "+
			"verifies those of its own private listener; read again when it changes")
	s.AddFile(&s.TLS.Authority, "tls-ca", "file with the certificate of the authority of a cluster that runs with TLS")
	s.AddFile(&s.TLS.Certificate, "tls-cert", "file with the certificate that is shown to the nodes (onsale tls cert --operator)")
	s.AddKey(&s.TLS.Key, "tls-key", "file with the private key of --tls-cert")
	s.Add(&s.TLS.Insecure, "insecure", "listen beyond loopback without TLS")
	s.Add(&s.Web.PrivateHosts, "private-hosts",
		"names under which the private listener is asked, beside addresses, localhost, this machine's name and that in "+
			"--private; a request for another name is refused")

	s.Table(&s.Endpoints, "endpoints", endpointsHelp)
	s.Elsewhere(append(append(newSettings().Names(), newFrontEndSettings().Names()...), "token", "webhooks")...)
	return s
}

// endpointsHelp explains the table in the example file.
const endpointsHelp = `## Endpoints, to which events are sent

# The table is read again when this file changes, and at SIGHUP. What was read for an endpoint that
# is taken out is kept in --state, and goes on when it comes back.
#[endpoints.shop]
#url = "https://shop.example.com/onsale"
## Secrets, one a line, the newest first: all sign (onsale secret FILE makes one).
#secret_file = "webhook-secret-shop"
## Types and sales that are sent; everything but decisions without.
#types = ["order.paid", "order.refunded"]
#sales = ["arena"]
## Where a new endpoint begins: newest, or oldest for all that the feed has.
#from = "newest"
## Time that one attempt may take.
#timeout = "10s"
## Time after which an endpoint that takes nothing is stopped.
#disable_after = "72h"
## Events that may be under way at once, one of each order.
#concurrency = 64
## Addresses of this machine and its networks; http in place of https.
#allow_private = false
#allow_http = false
`

// check says all that is wrong with the settings at once.
func (s *webhookSettings) check() error {
	return usage(s.checkNames(), webhook.Check(s.Endpoints), s.TLS.allow("private", s.Private, false))
}

func (s *webhookSettings) checkNames() (wrong error) {
	say := func(is bool, format string, arguments ...any) {
		if is {
			wrong = errors.Join(wrong, fmt.Errorf(format, arguments...))
		}
	}
	_, logger := newLogger(io.Discard, s.LogFormat, s.LogLevel, new(slog.LevelVar))
	wrong = logger
	say(len(s.Nodes) == 0, "--node is missing: it says whose feed is read")
	for _, node := range s.Nodes {
		_, _, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(node, "https://"), "http://"))
		say(err != nil, "--node has %q, expected is HOST:PORT", node)
	}
	say(s.StatePath == "", "--state is missing")
	_, err := auth.ReadSecrets(s.SecretFile)
	say(err != nil, "--secret-file: %w", err)
	return wrong
}

// fresh returns the settings as the files and flags are now.
func (s *webhookSettings) fresh(environment []string) (*webhookSettings, error) {
	again := newWebhookSettings()
	if err := s.Again(again.Set, environment); err != nil {
		return nil, err
	}
	return again, again.check()
}
