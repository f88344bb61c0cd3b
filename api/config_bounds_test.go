package api

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// set gives a field of a configuration a number.
func set(c *Config, field string, value int64) {
	reflect.ValueOf(c).Elem().FieldByName(field).SetInt(value)
}

// Each number and time is taken at its bounds and refused behind them, by name.
func TestEachConfigBound(t *testing.T) {
	ms, minute := int64(time.Millisecond), int64(time.Minute)
	for field, bounds := range map[string][2]int64{
		"HeaderBytesMax": {1 << 10, 64 << 10}, "HeaderLinesMax": {8, 1024}, "URIBytesMax": {128, 16 << 10}, "BodyBytesMax": {1 << 10, 1 << 20},
		"ConnectionsMax": {1, 1 << 22}, "ConnectionsPerAddressMax": {0, 1 << 22}, "PollsMax": {0, 1 << 20}, "StreamsMax": {0, 1 << 22},
		"WebhookBytesMax": {1 << 10, 1 << 20}, "ReadWaitersMax": {0, 1 << 20},
		"ReadTimeout": {10 * ms, minute}, "WriteTimeout": {10 * ms, minute}, "IdleTimeout": {10 * ms, 60 * minute}, "ReadWait": {0, minute},
		"StreamInterval": {ms, minute}, "StreamRetry": {0, minute}, "PayWait": {ms, minute},
	} {
		for _, c := range []struct {
			value int64
			taken bool
		}{{bounds[0] - 1, false}, {bounds[0], true}, {bounds[1], true}, {bounds[1] + 1, false}} {
			config := DefaultConfig()
			set(&config, field, c.value)
			err := config.Validate()
			if c.taken != (err == nil) || !c.taken && (!errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), field)) {
				t.Errorf("%s of %d: %v", field, c.value, err)
			}
		}
	}
}

// A load from which on reads are refused is above nothing and at most twice all there is.
func TestLoadBounds(t *testing.T) {
	for load, taken := range map[float64]bool{0: false, -1: false, math.SmallestNonzeroFloat64: true, 2: true,
		math.Nextafter(2, 3): false, math.Inf(1): false, math.NaN(): false} {
		views, polls := DefaultConfig(), DefaultConfig()
		views.ShedViewsLoad, polls.ShedPollsLoad = load, load
		for _, err := range []error{views.Validate(), polls.Validate()} {
			if taken != (err == nil) || !taken && !errors.Is(err, ErrBadConfig) {
				t.Errorf("%v: %v", load, err)
			}
		}
	}
	for name, without := range map[string]func(*Config){"clock": func(c *Config) { c.Clock = nil }, "logger": func(c *Config) { c.Logger = nil }} {
		config := DefaultConfig()
		if without(&config); !errors.Is(config.Validate(), ErrBadConfig) {
			t.Errorf("a server without a %s was taken", name)
		}
	}
}

// The figures that operators are told to start from.
func TestDefaultConfig(t *testing.T) {
	got := DefaultConfig()
	if got.Clock == nil || got.Logger == nil {
		t.Fatal("no clock or no logger")
	}
	got.Clock, got.Logger = nil, nil
	want := Config{
		HeaderBytesMax: 8192, HeaderLinesMax: 64, URIBytesMax: 1024, BodyBytesMax: 4096,
		ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: time.Minute, ConnectionsMax: 65_536, PrivateConnectionsMax: 512,
		ReadWait: 2 * time.Second, ReadWaitersMax: 1024, PayWait: 15 * time.Second, PollsMax: 16_384, PollsPerUserMax: 8,
		StreamsMax: 131_072, StreamsPerUserMax: 8,
		StreamInterval: 250 * time.Millisecond, StreamRetry: 3 * time.Second, WebhookBytesMax: 65_536, ShedViewsLoad: 0.5, ShedPollsLoad: 0.75,
		UserRequestsPerSecond: 5, UserBurst: 20, AddressBurst: 500, LimitedUsersMax: 262_144, LimitedAddressesMax: 65_536,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
