package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/golden"
	"onsale/proof/testenv"
	"onsale/wal"
	"onsale/wal/journal"
)

func sampleHead() journal.Head {
	return journal.Head{Height: 3, RaftIndex: 5, Hash: journal.Hash{1, 2}}
}

func seqOf(header []byte) uint64 { return binary.LittleEndian.Uint64(header[56:]) }

// The bytes on disk must not change without a new version.
func TestGoldenFormats(t *testing.T) {
	entry := raft.Log{Index: 9, Term: 3, Type: raft.LogCommand, Data: []byte("data"), Extensions: []byte("ext"), AppendedAt: time.Unix(1, 2)}
	golden.Format(t, "log_record", appendRecord(nil, &entry))
	golden.Format(t, "snapshot_header", AppendHeader(nil, sampleHead(), 9))
}

// Bytes of another version are refused by name, and the message says which one it is.
func TestOtherVersions(t *testing.T) {
	for _, version := range []byte{0, 9} {
		says := fmt.Sprintf("version %d, this program knows 1", version)

		record := appendRecord(nil, &raft.Log{Index: 9, Term: 3})
		record[0] = version
		if err := decodeRecord(9, record, new(raft.Log)); !isVersion(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("a log record of version %d: %v", version, err)
		}

		header := AppendHeader(nil, sampleHead(), 9)
		header[7] = version
		binary.LittleEndian.PutUint32(header[64:], crc32.Checksum(header[:64], castagnoli))
		if _, err := readHeader(bytes.NewReader(header)); !isVersion(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("a snapshot of version %d: %v", version, err)
		}
	}
}

// isVersion reports whether an error says that bytes are of another version, and calls
// them neither lost nor malformed.
func isVersion(err error) bool {
	return errors.Is(err, ErrVersion) && !errors.Is(err, ErrRecord) && !errors.Is(err, ErrSnapshot) && !errors.Is(err, ErrVotes)
}

// A snapshot that a later raft has described is not passed over for an older one, and a
// description that was damaged is.
func TestOtherDescriptionVersion(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		dir := testenv.MemoryDir(t)
		log := slog.New(slog.DiscardHandler)
		s, err := OpenSnapshots(wal.OS{}, dir, 2, log)
		if err != nil {
			t.Fatal(err)
		}
		_, trans := raft.NewInmemTransport("")
		sink, err := s.Create(raft.SnapshotVersionMax, 7, 1, raft.Configuration{}, 1, trans)
		if err != nil || sink.Close() != nil {
			t.Fatal(err)
		}
		m, err := s.List()
		if err != nil || len(m) != 1 {
			t.Fatalf("%d snapshots, %v", len(m), err)
		}
		is := *m[0]
		is.Version = 9
		text, err := json.Marshal(&is)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{descriptionName: text}
		if !damaged {
			files[checksumName] = describe(&is)
		}
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, "snapshots", is.ID, name), data, 0o640); err != nil {
				t.Fatal(err)
			}
		}

		_, err = OpenSnapshots(wal.OS{}, dir, 2, log)
		if damaged && err != nil || !damaged && (!isVersion(err) || !strings.Contains(err.Error(), "version 9, this program knows 0 to 1")) {
			t.Errorf("damaged: %t: %v", damaged, err)
		}
	}
}

// A file of votes of another version of bbolt's format is whole, and stays as it is.
func TestOtherVotesVersion(t *testing.T) {
	dir := testenv.MemoryDir(t)
	v, err := OpenVotes(wal.OS{}, dir, false, func(error) {})
	if err != nil || v.Close() != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, VotesName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		meta := data[n*os.Getpagesize()+16:]
		binary.LittleEndian.PutUint32(meta[4:], 3)
		sum := fnv.New64a()
		sum.Write(meta[:56])
		binary.LittleEndian.PutUint64(meta[56:], sum.Sum64())
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}

	if _, err := OpenVotes(wal.OS{}, dir, true, func(error) {}); !isVersion(err) || !strings.Contains(err.Error(), "bbolt file version 3, this program knows 2") {
		t.Error(err)
	}
	if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, data) {
		t.Errorf("the file was changed: %v", err)
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
