package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"onsale/wal"
)

// A record whose hash is right and that does not follow the one before is found,
// whatever it is that does not follow.
func TestScanChecksEveryLink(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(b *Block) // the sixth block of six
		want  error
	}{
		{"the next block", func(*Block) {}, nil},
		{"another previous hash", func(b *Block) { b.Previous = Hash{9} }, ErrCorrupt},
		{"the height of the one before", func(b *Block) { b.Height-- }, ErrCorrupt},
		{"a later height", func(b *Block) { b.Height++ }, ErrCorrupt},
		{"the raft index of the one before", func(b *Block) { b.RaftIndex = 5 }, ErrCorrupt},
		{"an earlier raft index", func(b *Block) { b.RaftIndex = 4 }, ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			j := mustOpen(t, dir)
			putRange(t, j, 1, 5)
			sixth := block(9)
			sixth.Height, sixth.Previous = 6, j.Position().Hash
			c.spoil(sixth)
			if err := errors.Join(j.log.Append(6, [][]byte{appendBlock(nil, sixth)}), j.Close()); err != nil {
				t.Fatal(err)
			}
			blocks, _, err := scan(dir)
			if want := map[bool]int{true: 6, false: 5}[c.want == nil]; blocks != want || !errors.Is(err, c.want) {
				t.Fatalf("%d blocks, want %d, %v", blocks, want, err)
			}
		})
	}
}

// The last record of a journal that is no block, or a newer program's, is told, and never
// given to the caller.
func TestScanOfABadBlock(t *testing.T) {
	for at, want := range map[int]error{0: ErrVersion, blockHeaderBytes: ErrCorrupt} {
		dir := t.TempDir()
		j := mustOpen(t, dir)
		putRange(t, j, 1, 5)
		sixth := block(6)
		sixth.Height, sixth.Previous = 6, j.Position().Hash
		data := appendBlock(nil, sixth)
		data[at]++
		if err := errors.Join(j.log.Append(6, [][]byte{data}), j.Close()); err != nil {
			t.Fatal(err)
		}
		if blocks, _, err := scan(dir); blocks != 5 || !errors.Is(err, want) {
			t.Errorf("byte %d is another: %d blocks, %v, want %v", at, blocks, err, want)
		}
	}
}

// The first block of all follows nothing; that of a journal which begins later follows
// what is not here.
func TestScanOfTheFirstBlock(t *testing.T) {
	for _, c := range []struct {
		height   uint64
		previous Hash
		want     error
	}{{1, Hash{}, nil}, {1, Hash{1}, ErrCorrupt}, {7, Hash{1}, nil}} {
		dir := t.TempDir()
		j := mustOpen(t, dir)
		first := block(9)
		first.Height, first.Previous = c.height, c.previous
		err := errors.Join(j.log.Reset(c.height), j.log.Append(c.height, [][]byte{appendBlock(nil, first)}), j.Close())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := scan(dir); !errors.Is(err, c.want) {
			t.Errorf("block %d follows %x: %v, want %v", c.height, c.previous[:1], err, c.want)
		}
	}
}

// A part with a bit that fell over is damage, and not the end of what is read.
func TestScanRefusesADamagedPart(t *testing.T) {
	dir, _ := chainOf(t, 90, 61, Span{1, 40}, Span{41, 60})
	flip(t, dir+"-1-to-40")
	if blocks, _, err := scan(dir); !errors.Is(err, wal.ErrCorrupt) || blocks >= 40 {
		t.Fatalf("%d blocks, %v", blocks, err)
	}
}

// flip changes a bit in the middle of the first segment of a folder.
func flip(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(names[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What the caller's function returns ends the reading.
func TestScanEndsWithTheCaller(t *testing.T) {
	enough := errors.New("enough")
	for _, parts := range [][]Span{nil, {{1, 60}}} {
		dir, _ := chainOf(t, 90, 61, parts...)
		blocks := 0
		_, err := Scan(dir, func(*Block) error {
			if blocks++; blocks == 3 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || blocks != 3 {
			t.Errorf("%d blocks, %v", blocks, err)
		}
	}
}

// An append under way is told by its place, and a folder that is not there by an error.
func TestScanOfATornJournal(t *testing.T) {
	dir, _ := chainOf(t, 90, 61, Span{1, 60})
	names, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	newest := names[len(names)-1]
	info, err := os.Stat(newest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(newest, info.Size()-3); err != nil {
		t.Fatal(err)
	}
	blocks := 0
	torn, err := Scan(dir, func(*Block) error { blocks++; return nil })
	if torn == nil || torn.Bytes == 0 || blocks != 89 || err != nil {
		t.Fatalf("torn %+v, %d blocks, %v", torn, blocks, err)
	}
	nowhere := filepath.Join(dir, "nowhere")
	if _, err := Scan(nowhere, func(*Block) error { return nil }); err == nil {
		t.Error("a folder that is not there was read")
	}
	if _, err := Gaps(nowhere); err == nil {
		t.Error("a folder that is not there has no gaps")
	}
}

// Blocks behind a head are scanned without those before it, wherever segments begin; a head
// that is another one, and a gap behind it, are found.
func TestScanAfter(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, Options{SegmentBytes: 1024, Files: wal.OS{}})
	if err != nil {
		t.Fatal(err)
	}
	putRange(t, j, 1, 20)
	heads := []Head{{}}
	for height := uint64(1); height <= 20; height++ {
		b, err := j.Read(height)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, b.Head())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	for height, head := range heads {
		next := uint64(height) + 1
		torn, err := ScanAfter(dir, head, func(b *Block) error {
			if b.Height != next {
				t.Errorf("after %d: block %d, want %d", height, b.Height, next)
			}
			next++
			return nil
		})
		if torn != nil || err != nil || next != 21 {
			t.Errorf("after %d: up to %d, %v, %v", height, next, torn, err)
		}
		head.Hash[0] ^= 1
		if _, err := ScanAfter(dir, head, func(*Block) error { return nil }); !errors.Is(err, ErrCorrupt) {
			t.Errorf("after another block %d: %v", height, err)
		}
	}
	if _, err := ScanAfter(dir, Head{Height: 30}, func(*Block) error { return errors.New("a block") }); err != nil {
		t.Errorf("after what is not there: %v", err)
	}
	if _, err := ScanAfter(filepath.Join(dir, "nowhere"), Head{}, func(*Block) error { return nil }); !errors.Is(err, wal.ErrNotFound) {
		t.Errorf("nowhere: %v", err)
	}
}
