package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/wal/journal"
)

func sampleHead() journal.Head {
	return journal.Head{Height: 3, RaftIndex: 5, Hash: journal.Hash{1, 2}}
}

func seqOf(header []byte) uint64 { return binary.LittleEndian.Uint64(header[56:]) }

// The bytes on disk must not change without a new version.
func TestGoldenFormats(t *testing.T) {
	entry := raft.Log{Index: 9, Term: 3, Type: raft.LogCommand, Data: []byte("data"), Extensions: []byte("ext"), AppendedAt: time.Unix(1, 2)}
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"log record", "0100000003000000030000000000000002ca9a3b0000000065787464617461", appendRecord(nil, &entry)},
		{"snapshot header", "4f4e534c46534d010300000000000000050000000000000001020000000000000000000000000000000000000000000000000000000000000900000000000000f2412544", AppendHeader(nil, sampleHead(), 9)},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s is written as\n%s, it was\n%s", c.name, got, c.want)
		}
	}
}

// Bytes of another version are refused by name, and the message says which one it is.
func TestOtherVersions(t *testing.T) {
	for _, version := range []byte{0, 9} {
		says := fmt.Sprintf("version %d, this program knows 1", version)

		record := appendRecord(nil, &raft.Log{Index: 9, Term: 3})
		record[0] = version
		if err := decodeRecord(9, record, new(raft.Log)); !errors.Is(err, ErrRecord) || !strings.Contains(err.Error(), says) {
			t.Errorf("a log record of version %d: %v", version, err)
		}

		header := AppendHeader(nil, sampleHead(), 9)
		header[7] = version
		binary.LittleEndian.PutUint32(header[64:], crc32.Checksum(header[:64], castagnoli))
		if _, err := readHeader(bytes.NewReader(header)); !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), says) {
			t.Errorf("a snapshot of version %d: %v", version, err)
		}
	}
}

func FuzzLogRecord(f *testing.F) {
	f.Add(appendRecord(nil, &raft.Log{Index: 1, Term: 2, Type: raft.LogCommand, Data: []byte("x"), Extensions: []byte("e"), AppendedAt: time.Unix(1, 2)}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var l raft.Log
		if decodeRecord(7, data, &l) != nil {
			return
		}
		if again := appendRecord(nil, &l); !bytes.Equal(again, data) {
			t.Fatalf("%x is written as %x", data, again)
		}
	})
}

func FuzzSnapshotHeader(f *testing.F) {
	f.Add(AppendHeader(nil, sampleHead(), 9))
	f.Fuzz(func(t *testing.T, data []byte) {
		head, err := readHeader(bytes.NewReader(data))
		if err == nil && !bytes.Equal(AppendHeader(nil, head, seqOf(data))[:64], data[:64]) {
			t.Fatalf("%x is written differently", data)
		}
	})
}
