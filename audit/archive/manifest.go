package archive

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// Sum is a SHA-256 sum, in hexadecimal where it is text.
type Sum journal.Hash

// MarshalText implements encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(text []byte) error { return unhex(s[:], text) }

// ID is a cluster's id, in hexadecimal where it is text.
type ID sequencer.ClusterID

// MarshalText implements encoding.TextMarshaler.
func (i ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, i[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *ID) UnmarshalText(text []byte) error { return unhex(i[:], text) }

// String returns the id in hexadecimal.
func (i ID) String() string { return sequencer.ClusterID(i).String() }

func unhex(dst, text []byte) error {
	if len(text) != 2*len(dst) {
		return fmt.Errorf("%d hexadecimal digits, expected are %d", len(text), 2*len(dst))
	}
	_, err := hex.Decode(dst, text)
	return err
}

// Row is a segment in the manifest.
type Row struct {
	// Number is the row's, from 1, without a gap. After is the row from which it goes on, 0 for
	// none: the segment follows a block of that row, the last one unless history was cut there.
	Number uint64 `json:"number"`
	After  uint64 `json:"after"`
	// Birth is the one of all blocks. Cause is not empty when the first block is that birth.
	Birth ID     `json:"birth"`
	Cause string `json:"cause,omitempty"`
	// First and Last are heights, both included. Follows is the hash of the block in front of
	// the first, Head that of the last, RaftIndex and Term are the last one's.
	First     uint64 `json:"first"`
	Last      uint64 `json:"last"`
	Follows   Sum    `json:"follows"`
	Head      Sum    `json:"head"`
	RaftIndex uint64 `json:"raft_index"`
	Term      uint64 `json:"term"`
	// LastSeq is the seq of the last decision, FirstTime and LastTime are the log's at the first
	// block and at the last.
	LastSeq   uint64    `json:"last_seq"`
	FirstTime time.Time `json:"first_time"`
	LastTime  time.Time `json:"last_time"`
	// Key is the segment's, Bytes its length, SHA256 its checksum.
	Key    string `json:"key"`
	Bytes  int64  `json:"bytes"`
	SHA256 Sum    `json:"sha256"`
}

const manifestVersion = 1

// pageRows is how many rows a page of the manifest has at most. Page n holds row n and those
// in front of it, back to the last multiple of pageRows: who wants all rows reads every
// pageRows-th page and the newest one.
const pageRows = 256

// pageBytesMax bounds a page.
const pageBytesMax = 1 << 20

// page is an object of the manifest. The checksum is the SHA-256 of the JSON without it.
//
//	{"version":1,"rows":[ROW,…],"checksum":"…"}
type page struct {
	Version  int   `json:"version"`
	Rows     []Row `json:"rows"`
	Checksum *Sum  `json:"checksum,omitempty"`
}

// firstOfPage returns the number of the first row in the page of a row.
func firstOfPage(number uint64) uint64 { return (number-1)/pageRows*pageRows + 1 }

func encodePage(rows []Row) ([]byte, error) {
	p := page{Version: manifestVersion, Rows: rows}
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	sum := sumOf(plain)
	p.Checksum = &sum
	return json.Marshal(p)
}

// decodePage reads the page of a row. ErrDamaged, ErrVersion.
func decodePage(number uint64, data []byte) ([]Row, error) {
	var said struct {
		Version int `json:"version"`
	}
	var p page
	err := json.Unmarshal(data, &said)
	if err == nil && said.Version != manifestVersion {
		return nil, fmt.Errorf("%w: manifest version %d, this program knows %d", ErrVersion, said.Version, manifestVersion)
	}
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err == nil {
		err = p.check(number, data)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: page %d of the manifest: %w", ErrDamaged, number, err)
	}
	return p.Rows, nil
}

func (p *page) check(number uint64, data []byte) error {
	again, err := encodePage(p.Rows)
	first := firstOfPage(number)
	switch {
	case err != nil:
		return err
	case !bytes.Equal(again, data):
		return errors.New("its checksum does not fit")
	case uint64(len(p.Rows)) != number-first+1:
		return fmt.Errorf("%d rows", len(p.Rows))
	}
	for i := range p.Rows {
		if err := p.Rows[i].check(first + uint64(i)); err != nil {
			return err
		}
	}
	return nil
}

// check holds a row to what all rows are.
func (r *Row) check(number uint64) error {
	switch {
	case r.Number != number || r.After >= number:
		return fmt.Errorf("row %d has number %d and comes behind row %d", number, r.Number, r.After)
	case r.First == 0 || r.Last < r.First || r.Bytes < segmentHeaderBytes:
		return fmt.Errorf("row %d has blocks %d to %d in %d bytes", number, r.First, r.Last, r.Bytes)
	case r.After == 0 && r.First > 1 || r.After > 0 && r.First == 1:
		return fmt.Errorf("row %d begins with block %d and comes behind row %d", number, r.First, r.After)
	}
	return nil
}

// The keys of objects.
const (
	aboutKey       = "archive.json"
	probeKey       = "put-once"
	manifestPrefix = "manifest/"
	segmentPrefix  = "segments/"
	snapshotPrefix = "snapshots/"
	backupSuffix   = ".backup"
	manifestDigits = 12
)

func manifestKey(number uint64) string {
	return fmt.Sprintf("%s%0*d.json", manifestPrefix, manifestDigits, number)
}

// manifestNumber returns the number of a page by its key; 0 for what is none.
func manifestNumber(key string) uint64 {
	digits, named := strings.CutSuffix(strings.TrimPrefix(key, manifestPrefix), ".json")
	number, err := strconv.ParseUint(digits, 10, 64)
	if !named || err != nil || manifestKey(number) != key {
		return 0
	}
	return number
}

// segmentKey names a segment by what it holds. try is 0 for the first one of these blocks.
func segmentKey(s *Segment, try int) string {
	key := fmt.Sprintf("%s%s/%012d-%012d", segmentPrefix, s.Birth, s.First, s.Last)
	if try > 0 {
		key += fmt.Sprintf("-%d", try)
	}
	return key + ".blocks"
}
