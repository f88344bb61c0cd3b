package raftfsm

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// The bytes on disk must not change without a new version.
func TestGoldenFormats(t *testing.T) {
	entry := raft.Log{Index: 9, Term: 3, Type: raft.LogCommand, Data: []byte("data"), Extensions: []byte("ext"), AppendedAt: time.Unix(1, 2)}
	sample := sampleCheck()
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"log record", "0100000003000000030000000000000002ca9a3b0000000065787464617461", appendLogRecord(nil, &entry)},
		{"snapshot header", "4f4e534c46534d010300000000000000050000000000000001020000000000000000000000000000000000000000000000000000000000000900000000000000f2412544", appendSnapshotHeader(nil, sampleHead(), 9)},
		{"check", "0104030000020000000000000102070000000000000001000000000000000000000000000000000000000000000000000000000000006e310102080000000000000002000000000000000000000000000000000000000000000000000000000000006e320102070000000000000001000000000000000000000000000000000000000000000000000000000000006e330007080000000000000002000000000000000000000000000000000000000000000000000000000000006c6561726e6572", sample.append(nil)},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s is written as\n%s, it was\n%s", c.name, got, c.want)
		}
	}
}
