package main

import (
	"errors"
	"testing"
)

// The bounds fit into the limit together; those that were set hold, or it is an error.
func TestShareFiles(t *testing.T) {
	type bounds struct{ connections, streams, private, peers int }
	defaults := bounds{65536, 131072, 512, 4096}
	for _, c := range []struct {
		limit  uint64
		told   bounds // 0 for a default
		want   bounds
		refuse bool
	}{
		{limit: 1 << 20, want: defaults},
		{limit: 1 << 63, want: defaults},
		{limit: 20_000, want: bounds{5638, 11274, 512, 2416}},
		{limit: 20_000, told: bounds{connections: 300}, want: bounds{300, 16_650, 512, 2378}},
		{limit: 1024, told: bounds{connections: 300}, want: bounds{300, 433, 70, 61}},
		{limit: 1024, told: bounds{connections: 300, streams: 400, private: 64, peers: 64}, want: bounds{300, 400, 64, 64}},
		{limit: 1024, told: bounds{streams: 800}, want: bounds{48, 800, 8, 8}},
		{limit: 1024, told: bounds{connections: 900}, refuse: true},
		{limit: 1024, told: bounds{peers: 850}, refuse: true},
		{limit: 192, want: bounds{6, 10, 8, 8}},
		{limit: 191, refuse: true},
		{limit: 0, refuse: true},
	} {
		got := defaults
		of := func(value *int, told int) bound {
			if told > 0 {
				*value = told
			}
			return bound{"x", value, told > 0}
		}
		peers := of(&got.peers, c.told.peers)
		b := fileBounds{peers: &peers, private: of(&got.private, c.told.private),
			connections: of(&got.connections, c.told.connections), streams: of(&got.streams, c.told.streams)}
		err := b.share(c.limit)
		if c.refuse {
			if !errors.Is(err, errFiles) {
				t.Errorf("%+v: %+v, %v", c, got, err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
		if c.limit < 1<<20 && got.connections+got.streams+got.private+got.peers+filesOwn > int(c.limit) {
			t.Errorf("%+v: more than the limit", got)
		}
	}
}

// What is stated is what holds: --connections-max 300 stays 300, and what does not fit is
// refused before anything is opened.
func TestFilesByCommand(t *testing.T) {
	has(t, command(t, 0, "config", "validate", "--connections-max", "300"), "ok", "connections-max=300")
	n := newNodes(t, 1)[0]
	has(t, command(t, 0, "config", "validate", "frontend", "--cluster", "127.0.0.1:1", "--secret-file", n.secretFile,
		"--peer-secret-file", n.peerSecretFile), "ok", "private-connections-max=")
	has(t, command(t, 2, "config", "validate", "--streams-max", "4000000", "--connections-max", "4000000"), "limit of open files", "8000")
}
