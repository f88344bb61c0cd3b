package raftfsm

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// Each number of a configuration is taken at its bounds and refused behind them, by name.
func TestConfigBounds(t *testing.T) {
	whole := testConfig(t, "n1")
	for field, bounds := range map[string][2]int64{
		"InboxRequestsMax": {1, 1 << 26}, "InboxBytesMax": {1 << 12, 1 << 34},
		"BatchRequestsMax": {1, sequencer.BatchCommandsMax}, "BatchBytesMax": {2 * sequencer.CommandBytesMax, 4 << 20},
		"InFlightMax": {1, 1 << 10}, "RPCsInFlightMax": {1, 1 << 10},
		"SnapshotBytes": {1 << 16, 1 << 40}, "SnapshotEntries": {16, 1 << 40},
		"TrailingEntries": {int64(whole.InFlightMax) + 16, 1 << 40}, "CheckBatches": {1, 1 << 20}, "DiskReserveBytes": {1 << 20, 1 << 50}, "SnapshotsKept": {1, 100},
		"HeartbeatTimeout": {int64(10 * time.Millisecond), int64(time.Minute)}, "ElectionTimeout": {int64(10 * time.Millisecond), int64(time.Minute)},
		"LeaseTimeout": {int64(5 * time.Millisecond), int64(whole.HeartbeatTimeout)}, "CommitTimeout": {int64(time.Millisecond), int64(time.Second)},
		"StallMax": {int64(time.Millisecond), int64(time.Hour)}, "StallTogetherMax": {int64(time.Millisecond), int64(time.Hour)},
	} {
		for _, c := range []struct {
			value int64
			taken bool
		}{{bounds[0] - 1, false}, {bounds[0], true}, {bounds[1], true}, {bounds[1] + 1, false}} {
			config := whole
			switch field { // which bound others
			case "InFlightMax":
				config.TrailingEntries = 1 << 12
			case "HeartbeatTimeout":
				config.LeaseTimeout = 5 * time.Millisecond
			}
			set(&config, field, c.value)
			err := config.Validate()
			if c.taken != (err == nil) || !c.taken && (!errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), field)) {
				t.Errorf("%s of %d: %v", field, c.value, err)
			}
			length, timed := reflect.ValueOf(config).FieldByName(field).Interface().(time.Duration)
			if timed && err != nil && !strings.Contains(err.Error(), field+" is "+length.String()+", allowed is "+time.Duration(bounds[0]).String()) {
				t.Errorf("%s is told otherwise than as a duration: %v", field, err)
			}
		}
	}
}

// set gives a field a number.
func set(c *Config, field string, value int64) {
	v := reflect.ValueOf(c).Elem().FieldByName(field)
	if v.CanUint() {
		v.SetUint(uint64(value))
	} else {
		v.SetInt(value)
	}
}

// The founders of a cluster have an id and an address each, and this node is one of them.
func TestFounders(t *testing.T) {
	for name, c := range map[string]struct {
		members []Member
		taken   bool
	}{
		"nobody":                       {nil, true},
		"this node alone":              {[]Member{{ID: "n1"}}, true},
		"this node with an address":    {[]Member{{ID: "n1", Address: "a:1"}}, true},
		"three":                        {[]Member{{ID: "n2", Address: "b:1"}, {ID: "n1"}, {ID: "n3", Address: "c:1"}}, true},
		"the longest id":               {[]Member{{ID: "n1"}, {ID: strings.Repeat("n", peer.IDBytesMax), Address: "b:1"}}, true},
		"an id that is longer":         {[]Member{{ID: "n1"}, {ID: strings.Repeat("n", peer.IDBytesMax+1), Address: "b:1"}}, false},
		"no id":                        {[]Member{{ID: "n1"}, {Address: "b:1"}}, false},
		"an id twice":                  {[]Member{{ID: "n1"}, {ID: "n2", Address: "b:1"}, {ID: "n2", Address: "c:1"}}, false},
		"an address twice":             {[]Member{{ID: "n1"}, {ID: "n2", Address: "b:1"}, {ID: "n3", Address: "b:1"}}, false},
		"another without an address":   {[]Member{{ID: "n1"}, {ID: "n2"}}, false},
		"others, without this node":    {[]Member{{ID: "n2", Address: "b:1"}}, false},
		"this node with another's":     {[]Member{{ID: "n1", Address: "b:1"}, {ID: "n2", Address: "b:1"}}, false},
		"this node's id and then none": {[]Member{{ID: "n1"}, {ID: "n1", Address: "a:1"}}, false},
	} {
		config := testConfig(t, "n1")
		config.Bootstrap = c.members
		if err := config.Validate(); c.taken != (err == nil) || !c.taken && !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}

	c := testConfig(t, "n1")
	c.Bootstrap = []Member{{ID: "n2", Address: "b:1"}, {ID: "n1"}}
	want := []Member{{ID: "n2", Address: "b:1", Voter: true}, {ID: "n1", Address: "a:1", Voter: true}}
	if got := c.founders("a:1"); !reflect.DeepEqual(got, want) || c.Bootstrap[0].Voter || c.Bootstrap[1].Address != "" {
		t.Errorf("founders %+v, configured %+v", got, c.Bootstrap)
	}
	c.Bootstrap = []Member{{ID: "n1", Address: "x:1"}}
	if got := c.founders("a:1"); got[0].Address != "x:1" {
		t.Errorf("founders %+v", got)
	}
}

// raft and the inbox get what the node was configured with.
func TestWhatRaftIsConfiguredWith(t *testing.T) {
	c := testConfig(t, "n1")
	c.SnapshotEntries, c.TrailingEntries = 77, 66
	r := c.raftConfig()
	if r.LocalID != "n1" || r.HeartbeatTimeout != c.HeartbeatTimeout || r.ElectionTimeout != c.ElectionTimeout || r.LeaderLeaseTimeout != c.LeaseTimeout ||
		r.CommitTimeout != c.CommitTimeout || r.SnapshotThreshold != 77 || r.TrailingLogs != 66 || r.MaxAppendEntries != 64 ||
		!r.BatchApplyCh || r.ShutdownOnRemove || !r.NoLegacyTelemetry || r.SnapshotInterval != 20*time.Second || r.Logger == nil {
		t.Errorf("%+v", r)
	}
	in := c.inbox()
	if in.RequestsMax != c.InboxRequestsMax || in.BytesMax != c.InboxBytesMax || in.BatchRequestsMax != c.BatchRequestsMax ||
		in.BatchBytesMax != c.BatchBytesMax || in.HeaderBytes != sequencer.BatchHeaderBytes {
		t.Errorf("%+v", in)
	}
	usual := DefaultConfig()
	usual.DataDir = "somewhere"
	if err := usual.Validate(); err != nil {
		t.Error(err)
	}
}

// The figures that serve most.
func TestDefaultConfig(t *testing.T) {
	c := DefaultConfig()
	if c.InboxRequestsMax != 1_048_576 || c.InboxBytesMax != 134_217_728 || c.BatchRequestsMax != 8192 || c.BatchBytesMax != 262_144 ||
		c.InFlightMax != 16 || c.RPCsInFlightMax != 2 || c.SnapshotBytes != 134_217_728 || c.SnapshotEntries != 65_536 ||
		c.TrailingEntries != 4096 || c.SnapshotsKept != 2 || c.LogSegmentBytes != 16_777_216 || c.JournalSegmentBytes != 16_777_216 || c.CheckBatches != 256 {
		t.Errorf("%+v", c)
	}
	if c.HeartbeatTimeout != 600*time.Millisecond || c.ElectionTimeout != 600*time.Millisecond || c.LeaseTimeout != 500*time.Millisecond ||
		c.CommitTimeout != 20*time.Millisecond || c.StallMax != 5*time.Second || c.StallTogetherMax != 20*time.Second {
		t.Errorf("%+v", c)
	}
}
