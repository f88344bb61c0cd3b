package main

import "testing"

func TestShareFiles(t *testing.T) {
	for _, c := range []struct {
		limit                        uint64
		connections, streams         int
		wantConnections, wantStreams int
	}{
		{1 << 20, 65536, 131072, 65536, 131072},
		{1 << 63, 65536, 131072, 65536, 131072},
		{20_000, 65536, 131072, 6534, 13066},
		{20_000, 256, 19_000, 256, 19_000},
		{600, 65536, 0, 300, 0},
		{1, 10, 10, 1, 0},
		{0, 10, 10, 1, 0},
	} {
		connections, streams := shareFiles(c.limit, c.connections, c.streams)
		if connections != c.wantConnections || streams != c.wantStreams {
			t.Errorf("%+v: %d and %d", c, connections, streams)
		}
	}
}
