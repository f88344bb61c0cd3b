package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"onsale/api"
)

// Each bound of the door has a flag, for nodes and for front-ends.
func TestDoorSettings(t *testing.T) {
	args := []string{"--connections-max=11", "--connections-per-address-max=12", "--header-bytes-max=1300", "--header-lines-max=14", "--uri-bytes-max=150",
		"--body-bytes-max=1600", "--webhook-bytes-max=1700", "--read-timeout=18s", "--write-timeout=19s", "--idle-timeout=20s"}
	want := api.DefaultConfig()
	want.ConnectionsMax, want.ConnectionsPerAddressMax, want.HeaderBytesMax, want.HeaderLinesMax, want.URIBytesMax = 11, 12, 1300, 14, 150
	want.BodyBytesMax, want.WebhookBytesMax = 1600, 1700
	want.ReadTimeout, want.WriteTimeout, want.IdleTimeout = 18*time.Second, 19*time.Second, 20*time.Second
	node, frontEnd := new(settings), new(frontEndSettings)
	for _, c := range []struct {
		add  func(*pflag.FlagSet)
		into any
		door *doorSettings
	}{{addServerFlags, node, &node.Door}, {addFrontEndFlags, frontEnd, &frontEnd.Door}} {
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		c.add(flags)
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		if err := loadInto(flags, c.into); err != nil {
			t.Fatal(err)
		}
		got := api.DefaultConfig()
		c.door.apply(&got)
		want.Logger, want.Gate, got.Logger, got.Gate = nil, nil, nil, nil
		want.Clock, got.Clock = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%T: got %+v, want %+v", c.into, got, want)
		}
	}
}

// Bounds that make no sense are refused before anything starts.
func TestDoorSettingsBounds(t *testing.T) {
	for flag, field := range map[string]string{"--connections-max=0": "ConnectionsMax", "--header-bytes-max=1": "HeaderBytesMax", "--read-timeout=0s": "ReadTimeout",
		"--idle-timeout=48h": "IdleTimeout", "--webhook-bytes-max=1": "WebhookBytesMax"} {
		has(t, command(t, 2, "config", "validate", flag), field)
	}
}
