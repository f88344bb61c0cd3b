package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// A record is taken when it is whole, at the very bounds of its parts.
func TestRecordBounds(t *testing.T) {
	whole := appendRecord(nil, &raft.Log{Index: 9, Term: 3, Data: []byte("data"), Extensions: []byte("ext")})
	with := func(change func([]byte)) []byte {
		record := bytes.Clone(whole)
		change(record)
		return record
	}
	extensions := func(length uint32) []byte {
		return with(func(r []byte) { binary.LittleEndian.PutUint32(r[4:], length) })
	}
	for name, c := range map[string]struct {
		record           []byte
		extensions, data string
		refused          bool
	}{
		"whole":                {whole, "ext", "data", false},
		"nothing":              {nil, "", "", true},
		"a part of the header": {whole[:recordBytes-1], "", "", true},
		"extensions cut":       {whole[:recordBytes+2], "", "", true},
		"a header alone":       {with(func(r []byte) { r[4] = 0 })[:recordBytes], "", "", false},
		"extensions alone":     {extensions(7), "extdata", "", false},
		"extensions too long":  {extensions(8), "", "", true},
		"data alone":           {extensions(0), "", "extdata", false},
		"third byte not zero":  {with(func(r []byte) { r[2] = 1 }), "", "", true},
		"fourth byte not zero": {with(func(r []byte) { r[3] = 1 }), "", "", true},
	} {
		var l raft.Log
		err := decodeRecord(9, c.record, &l)
		if c.refused != errors.Is(err, ErrRecord) || !c.refused && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if string(l.Extensions) != c.extensions || string(l.Data) != c.data || !c.refused && (l.Index != 9 || l.Term != 3) {
			t.Errorf("%s: %+v", name, l)
		}
		if (l.Data == nil) != (c.data == "") || (l.Extensions == nil) != (c.extensions == "") {
			t.Errorf("%s: empty parts are not nil: %+v", name, l)
		}
	}
}

// A time is there when it was set, and zero when it was not.
func TestRecordTime(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 1), time.Unix(0, -1), time.Unix(1_800_000_000, 5)} {
		var l raft.Log
		if err := decodeRecord(1, appendRecord(nil, &raft.Log{AppendedAt: at}), &l); err != nil || !l.AppendedAt.Equal(at) {
			t.Errorf("%v is %v, %v", at, l.AppendedAt, err)
		}
	}
}

// Tools see how many commands an entry holds, if it is a batch.
func TestSummarizeEntry(t *testing.T) {
	batch := make([]byte, sequencer.BatchHeaderBytes)
	sequencer.PutBatchHeader(batch, 1, 12)
	for name, c := range map[string]struct {
		entry    raft.Log
		commands uint32
	}{
		"a batch":             {raft.Log{Term: 3, Data: append(batch, "commands"...)}, 12},
		"a header alone":      {raft.Log{Term: 3, Data: batch}, 12},
		"less than a header":  {raft.Log{Term: 3, Data: batch[:sequencer.BatchHeaderBytes-1]}, 0},
		"nothing":             {raft.Log{Term: 3}, 0},
		"another kind's data": {raft.Log{Term: 3, Type: raft.LogConfiguration, Data: batch}, 0},
	} {
		record := appendRecord(nil, &c.entry)
		s, err := SummarizeEntry(7, record)
		if want := (EntrySummary{7, 3, c.entry.Type.String(), len(record), c.commands}); err != nil || s != want {
			t.Errorf("%s: %+v, want %+v, %v", name, s, want, err)
		}
	}
	if s, err := SummarizeEntry(7, []byte{recordVersion}); !errors.Is(err, ErrRecord) || s != (EntrySummary{}) {
		t.Errorf("no record: %+v, %v", s, err)
	}
}

// A header is one only with all its bytes as they were written.
func TestHeaderBounds(t *testing.T) {
	header := AppendHeader([]byte("before"), sampleHead(), 9)[len("before"):]
	if head, err := readHeader(bytes.NewReader(append(bytes.Clone(header), "state"...))); err != nil || head != sampleHead() {
		t.Errorf("%+v, %v", head, err)
	}
	for at := range header {
		changed := bytes.Clone(header)
		changed[at] ^= 0x10
		if head, err := readHeader(bytes.NewReader(changed)); !errors.Is(err, ErrSnapshot) || head != (journal.Head{}) {
			t.Errorf("byte %d: %+v, %v", at, head, err)
		}
		if head, err := readHeader(bytes.NewReader(header[:at])); !errors.Is(err, ErrSnapshot) || head != (journal.Head{}) {
			t.Errorf("cut at %d: %+v, %v", at, head, err)
		}
	}
	magic := bytes.Clone(header)
	magic[0] = 'o'
	binary.LittleEndian.PutUint32(magic[headerBytes-4:], checksumOf(magic[:headerBytes-4], nil))
	if _, err := readHeader(bytes.NewReader(magic)); !errors.Is(err, ErrSnapshot) {
		t.Errorf("another beginning under its checksum: %v", err)
	}
	if _, state, err := ReadSnapshot(bytes.NewReader(header[1:])); !errors.Is(err, ErrSnapshot) || state != nil {
		t.Errorf("a snapshot without its beginning: %v", err)
	}
	if head, state, err := ReadSnapshot(bytes.NewReader(header)); !errors.Is(err, sequencer.ErrSnapshotCorrupt) || state != nil || head != sampleHead() {
		t.Errorf("a snapshot without a state: %+v, %v", head, err)
	}
}
