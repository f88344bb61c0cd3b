package main

import (
	"time"

	"github.com/spf13/pflag"

	"onsale/api"
)

// doorSettings bound what connections and requests may cost before anybody knows who
// sends them, for nodes and front-ends. docs/http-hardening.md has all of them.
type doorSettings struct {
	ConnectionsMax           int           `koanf:"connections-max"`
	ConnectionsPerAddressMax int           `koanf:"connections-per-address-max"`
	HeaderBytesMax           int           `koanf:"header-bytes-max"`
	HeaderLinesMax           int           `koanf:"header-lines-max"`
	URIBytesMax              int           `koanf:"uri-bytes-max"`
	BodyBytesMax             int           `koanf:"body-bytes-max"`
	WebhookBytesMax          int           `koanf:"webhook-bytes-max"`
	ReadTimeout              time.Duration `koanf:"read-timeout"`
	WriteTimeout             time.Duration `koanf:"write-timeout"`
	IdleTimeout              time.Duration `koanf:"idle-timeout"`
}

func (d *doorSettings) flags(f *pflag.FlagSet) {
	web := api.DefaultConfig()
	f.Int("connections-max", web.ConnectionsMax, "buyers' connections, without event streams; beyond it the answer is overloaded. The limit of open files must be higher")
	f.Int("connections-per-address-max", web.ConnectionsPerAddressMax, "connections of one address (IPv6: a /64), event streams included; 0 for no bound. --trusted-proxies are not bounded")
	f.Int("header-bytes-max", web.HeaderBytesMax, "bytes of a request's line and header; each connection keeps a buffer of this size")
	f.Int("header-lines-max", web.HeaderLinesMax, "header lines of a buyer's request")
	f.Int("uri-bytes-max", web.URIBytesMax, "bytes of a request's target")
	f.Int("body-bytes-max", web.BodyBytesMax, "bytes of a request's body")
	f.Int("webhook-bytes-max", web.WebhookBytesMax, "bytes of the body of a payment provider's webhook")
	f.Duration("read-timeout", web.ReadTimeout, "how long a request may take to arrive, and a new connection to begin one")
	f.Duration("write-timeout", web.WriteTimeout, "how long an answer may take to be written")
	f.Duration("idle-timeout", web.IdleTimeout, "how long a connection may be silent between two requests")
}

// validate checks the bounds' own bounds.
func (d *doorSettings) validate() error {
	c := api.DefaultConfig()
	d.apply(&c)
	return c.Validate()
}

// apply puts the settings into an HTTP configuration.
func (d *doorSettings) apply(c *api.Config) {
	c.ConnectionsMax, c.ConnectionsPerAddressMax = d.ConnectionsMax, d.ConnectionsPerAddressMax
	c.HeaderBytesMax, c.HeaderLinesMax, c.URIBytesMax = d.HeaderBytesMax, d.HeaderLinesMax, d.URIBytesMax
	c.BodyBytesMax, c.WebhookBytesMax = d.BodyBytesMax, d.WebhookBytesMax
	c.ReadTimeout, c.WriteTimeout, c.IdleTimeout = d.ReadTimeout, d.WriteTimeout, d.IdleTimeout
}
