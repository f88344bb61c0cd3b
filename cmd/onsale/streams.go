package main

import (
	"time"

	"github.com/spf13/pflag"

	"onsale/api"
)

// streamSettings bound long polls and event streams.
type streamSettings struct {
	StreamsMax     int           `koanf:"streams-max"`
	StreamInterval time.Duration `koanf:"stream-interval"`
	PollsMax       int           `koanf:"polls-max"`
	PayWait        time.Duration `koanf:"pay-wait"`
}

func (s *streamSettings) flags(f *pflag.FlagSet) {
	web := api.DefaultConfig()
	f.Int("streams-max", web.StreamsMax, "open event streams; beyond it the answer is overloaded")
	f.Duration("stream-interval", web.StreamInterval, "how often a sale's listeners hear of it at most")
	f.Int("polls-max", web.PollsMax, "requests that wait for their order to change (?wait=)")
	f.Duration("pay-wait", web.PayWait, "how long a payment waits for the provider before the buyer is told to look again")
}

// apply puts the settings into an HTTP configuration.
func (s *streamSettings) apply(c *api.Config) {
	c.StreamsMax, c.StreamInterval, c.PollsMax, c.PayWait = s.StreamsMax, s.StreamInterval, s.PollsMax, s.PayWait
}
