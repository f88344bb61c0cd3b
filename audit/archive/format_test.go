package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"onsale/proof/golden"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// chain is a few blocks that follow one another.
func chain(n int) (blocks []journal.Block) {
	var previous journal.Hash
	for i := range n {
		b := journal.Block{Height: uint64(i + 1), RaftIndex: uint64(2*i + 2), Term: 1, StateHash: uint64(i), Previous: previous,
			Batch: bytes.Repeat([]byte{byte(i)}, 40), Decisions: []byte{byte(i), 1, 2}}
		whole := b.Append(nil)
		b.Hash = journal.Hash(sha256.Sum256(whole[:len(whole)-sha256.Size]))
		blocks, previous = append(blocks, b), b.Hash
	}
	return blocks
}

func segmentOf(t testing.TB, blocks []journal.Block) (Segment, []byte) {
	t.Helper()
	b, err := newBuilder(sequencer.ClusterID{7}, blocks[0].Previous)
	if err != nil {
		t.Fatal(err)
	}
	for i := range blocks {
		if err := b.add(&blocks[i]); err != nil {
			t.Fatal(err)
		}
	}
	data, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	return b.segment, data
}

// repacked is a segment with other bytes under its compression.
func repacked(t testing.TB, data []byte, change func(blocks []byte) []byte) []byte {
	t.Helper()
	unpack, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unpack.Close()
	blocks, err := unpack.DecodeAll(data[segmentHeaderBytes:], nil)
	if err != nil {
		t.Fatal(err)
	}
	pack, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pack.EncodeAll(change(blocks), bytes.Clone(data[:segmentHeaderBytes]))
}

// What is before compression, and what a row looks like, stays readable.
func TestGolden(t *testing.T) {
	blocks := chain(3)
	_, data := segmentOf(t, blocks)
	golden.Format(t, "segment-1-header", data[:segmentHeaderBytes])
	kept := fromHex(t, "segment-1")
	read := 0
	if err := readSegment(kept, func(b *journal.Block) error { read++; return nil }); err != nil || read != 3 || !bytes.Equal(kept[:segmentHeaderBytes], data[:segmentHeaderBytes]) {
		t.Errorf("%d blocks, %v", read, err) // another release may compress them otherwise
	}
	row := Row{Number: 1, Birth: ID{7}, Cause: "new", First: 1, Last: 3, Head: Sum(blocks[2].Hash), RaftIndex: 6, Term: 1, LastSeq: 9,
		FirstTime: time.Unix(0, 1).UTC(), LastTime: time.Unix(1, 0).UTC(), Key: segmentKey(&Segment{Birth: sequencer.ClusterID{7}, First: 1, Last: 3}, 0),
		Bytes: int64(len(kept)), SHA256: sumOf(kept)}
	page, err := encodePage([]Row{row})
	if err != nil {
		t.Fatal(err)
	}
	golden.Format(t, "manifest-1", page)
	if rows, err := decodePage(1, page); err != nil || rows[0] != row {
		t.Errorf("%+v, %v", rows, err)
	}
}

// fromHex reads a golden file.
func fromHex(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A segment gives its blocks, and one that is damaged an error; no bit may fall unseen.
func TestSegment(t *testing.T) {
	blocks := chain(5)
	is, data := segmentOf(t, blocks[2:])
	if is.First != 3 || is.Last != 5 || is.Follows != blocks[1].Hash || is.Head != blocks[4].Hash {
		t.Errorf("%+v", is)
	}
	var got []uint64
	if err := readSegment(data, func(b *journal.Block) error { got = append(got, b.Height); return nil }); err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	enough := errors.New("enough")
	if err := readSegment(data, func(*journal.Block) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
	for i := range data[:segmentHeaderBytes] {
		spoilt := bytes.Clone(data)
		spoilt[i] ^= 1
		changes := i >= 16 && i < 32 // the birth: the manifest has it too
		if err := readSegment(spoilt, func(*journal.Block) error { return nil }); (err == nil) != changes {
			t.Errorf("byte %d of the header: %v", i, err)
		}
	}
	le := binary.LittleEndian
	for name, change := range map[string]func(b []byte) []byte{
		"a block more":  func(b []byte) []byte { return append(b, b...) },
		"a block less":  func(b []byte) []byte { return b[:len(b)/3] },
		"a longer one":  func(b []byte) []byte { le.PutUint32(b, 1<<31); return b },
		"another block": func(b []byte) []byte { b[100] ^= 1; return b },
		"twice":         func(b []byte) []byte { n := len(b) / 3; copy(b[n:2*n], b[:n]); return b },
	} {
		if err := readSegment(repacked(t, data, change), func(*journal.Block) error { return nil }); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	newer := bytes.Clone(data)
	newer[8]++
	if err := readSegment(newer, nil); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer one: %v", err)
	}
}

// Pages that are none, and rows that cannot be, are refused.
func TestDecodePage(t *testing.T) {
	row := Row{Number: 1, First: 1, Last: 3, Bytes: 500}
	page := func(change func(r *Row), more ...Row) []byte {
		r := row
		change(&r)
		data, err := encodePage(append([]Row{r}, more...))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	sound := page(func(*Row) {})
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"sound":           {sound, nil},
		"nothing":         {nil, ErrDamaged},
		"newer":           {bytes.Replace(sound, []byte(`"version":1`), []byte(`"version":2`), 1), ErrVersion},
		"changed":         {bytes.Replace(sound, []byte(`"last":3`), []byte(`"last":4`), 1), ErrDamaged},
		"spaces":          {append([]byte(" "), sound...), ErrDamaged},
		"two rows":        {page(func(*Row) {}, Row{Number: 2, After: 1, First: 4, Last: 4, Bytes: 500}), ErrDamaged},
		"number":          {page(func(r *Row) { r.Number = 2 }), ErrDamaged},
		"behind itself":   {page(func(r *Row) { r.After = 1 }), ErrDamaged},
		"no first block":  {page(func(r *Row) { r.First = 0 }), ErrDamaged},
		"ends before":     {page(func(r *Row) { r.Last = 0 }), ErrDamaged},
		"begins late":     {page(func(r *Row) { r.First = 2 }), ErrDamaged},
		"too short to be": {page(func(r *Row) { r.Bytes = 3 }), ErrDamaged},
	} {
		if _, err := decodePage(1, c.data); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for key, number := range map[string]uint64{manifestKey(7): 7, "manifest/7.json": 0, "manifest/000000000007": 0, "manifest/x.json": 0, "other/000000000007.json": 0} {
		if got := manifestNumber(key); got != number {
			t.Errorf("%s is page %d, want %d", key, got, number)
		}
	}
}

// Any bytes are read or refused; what is read is a chain.
func FuzzSegment(f *testing.F) {
	_, data := segmentOf(f, chain(3))
	f.Add(data)
	f.Add(data[:segmentHeaderBytes])
	f.Fuzz(func(t *testing.T, data []byte) {
		height := uint64(0)
		err := readSegment(data, func(b *journal.Block) error {
			if height > 0 && b.Height != height+1 {
				t.Errorf("block %d behind %d", b.Height, height)
			}
			height = b.Height
			return nil
		})
		if err == nil && height == 0 {
			t.Error("a segment of nothing")
		}
	})
}

// Any bytes are a page or refused; a page is written as it was read.
func FuzzPage(f *testing.F) {
	data, err := encodePage([]Row{{Number: 1, First: 1, Last: 3, Bytes: 500}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := decodePage(1, data)
		if err != nil {
			return
		}
		if again, err := encodePage(rows); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s became %s, %v", data, again, err)
		}
	})
}
