package wal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"onsale/proof/testenv"
)

// image is a closed log's files, to be damaged and opened again and again.
type image map[string][]byte

func takeImage(t testing.TB, dir string) image {
	files := image{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "LOCK" || e.IsDir() {
			continue
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// lay writes the image, with one file replaced, into a fresh directory.
func (im image) lay(t testing.TB, name string, data []byte) string {
	dir := testenv.MemoryDir(t)
	for n, d := range im {
		if n == name {
			d = data
		}
		if err := os.WriteFile(filepath.Join(dir, n), d, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// makeImage writes records 1..count, each in its own append; it returns the
// newest segment's name.
func makeImage(t testing.TB, count uint64, o Options) (image, string) {
	dir := testenv.MemoryDir(t)
	l := mustOpen(t, dir, o)
	for i := uint64(1); i <= count; i++ {
		appendRange(t, l, i, i)
	}
	tail := filepath.Base(segmentPath(dir, l.tail().first))
	mustClose(t, l)
	return takeImage(t, dir), tail
}

// A torn append at every byte: what was acknowledged before it stays, nothing
// that was never written appears, and the log goes on.
func TestTornTailAtEveryByte(t *testing.T) {
	im, tail := makeImage(t, 8, oneSegment())
	whole := im[tail]
	offsets, _ := scanSegment(whole, 1)
	random := rand.New(rand.NewPCG(1, 2))
	for cut := 0; cut < len(whole); cut += testenv.Pick(1, 7) {
		complete := 0
		for complete+1 < len(offsets) && offsets[complete+1] <= int64(cut) {
			complete++
		}
		rest := make([]byte, offsets[min(complete+1, len(offsets)-1)]-int64(cut))
		garbage := make([]byte, len(rest)+random.IntN(20))
		for i := range garbage {
			garbage[i] = byte(random.Uint32())
		}
		old := append([]byte(nil), whole[:min(len(rest), cut)]...) // an earlier record's bytes
		for kind, tailBytes := range map[string][]byte{"cut": nil, "zeros": make([]byte, len(rest)+8), "garbage": garbage, "old": old} {
			data := append(append([]byte(nil), whole[:cut]...), tailBytes...)
			dir := im.lay(t, tail, data)
			l, err := Open(dir, oneSegment())
			if err != nil {
				t.Fatalf("cut at %d with %s: %v", cut, kind, err)
			}
			if l.NextIndex() != uint64(complete)+1 {
				t.Fatalf("cut at %d with %s: %d records, %d were whole", cut, kind, l.NextIndex()-1, complete)
			}
			checkRepair(t, l, data, offsets[complete])
			appendRange(t, l, uint64(complete)+1, uint64(complete)+2)
			mustClose(t, l)
			l = mustOpen(t, dir, oneSegment())
			expectRange(t, l, 1, uint64(complete)+2)
			mustClose(t, l)
			os.RemoveAll(dir) // thousands of folders are more than such a place may hold
		}
	}
}

func checkRepair(t testing.TB, l *Log, data []byte, keep int64) {
	t.Helper()
	r := l.Repaired()
	torn := bytes.TrimRight(data[keep:], "\x00")
	if r.Bytes != int64(len(torn)) {
		t.Fatalf("repair cut %d bytes, %d are torn", r.Bytes, len(torn))
	}
	if r.Bytes == 0 {
		return
	}
	if kept, err := os.ReadFile(r.Copy); err != nil || !bytes.Equal(kept, torn) {
		t.Fatalf("copy of the cut bytes: %x, %v", kept, err)
	}
}

// Every single-bit flip in every file is refused, or cuts no more than the very
// last record (doc.go says why that one cannot be told from a torn append).
// A wrong record is never served.
func TestEveryBitFlip(t *testing.T) {
	const count = 60
	im, tail := makeImage(t, count, smallSegments())
	if len(im) < 4 {
		t.Fatalf("only %d files", len(im))
	}
	refused, cut := 0, 0
	for name, whole := range im {
		step := 1
		if name != tail && name != manifestName {
			step = 7 // older segments are all alike; a prime step meets every field
		}
		for bit := 0; bit < len(whole)*8; bit += step * testenv.Pick(1, 11) {
			data := append([]byte(nil), whole...)
			data[bit/8] ^= 1 << (bit % 8)
			dir := im.lay(t, name, data)
			l, err := Open(dir, smallSegments())
			if err != nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
					t.Fatalf("%s bit %d: %v", name, bit, err)
				}
				os.RemoveAll(dir)
				refused++
				continue
			}
			if name != tail || l.LastIndex() != count-1 {
				t.Fatalf("%s bit %d: opened with %d of %d records", name, bit, l.LastIndex(), count)
			}
			expectRange(t, l, 1, count-1)
			mustClose(t, l)
			os.RemoveAll(dir)
			cut++
		}
	}
	if refused == 0 || cut == 0 {
		t.Fatalf("refused %d, cut %d", refused, cut)
	}
}

// Without CheckAll, damage in an older segment shows when it is read.
func TestDamageShowsOnRead(t *testing.T) {
	o := smallSegments()
	o.CheckAll = false
	im, _ := makeImage(t, 100, o)
	name := filepath.Base(segmentPath("", 1))
	data := append([]byte(nil), im[name]...)
	data[len(data)/2] ^= 4
	l := mustOpen(t, im.lay(t, name, data), o)
	defer mustClose(t, l)
	if _, err := l.Read(1); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("read: %v", err)
	}
	if err := l.Scan(1, func(uint64, []byte) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("scan: %v", err)
	}
}

func TestMissingFiles(t *testing.T) {
	im, _ := makeImage(t, 100, smallSegments())
	for name := range im {
		dir := im.lay(t, "", nil)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, smallSegments()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// The directory as a crash leaves it between the steps of Reset, TruncateFront,
// TruncateBack and a new segment (doc.go numbers them).
func TestCrashBetweenSteps(t *testing.T) {
	im, _ := makeImage(t, 100, smallSegments())
	m, err := decodeManifest(im[manifestName])
	if err != nil {
		t.Fatal(err)
	}
	segments, err := listSegments(im.lay(t, "", nil))
	if err != nil {
		t.Fatal(err)
	}
	second, third := segments[1], segments[2]
	for _, c := range []struct {
		name        string
		manifest    manifest
		remove      []uint64
		empty       uint64
		first, last uint64
		next        uint64
	}{
		{"new segment created", m, nil, 101, 1, 100, 101},
		{"front: manifest written", manifest{oldest: third, newest: m.newest}, nil, 0, third, 100, 101},
		{"front: one removed", manifest{oldest: third, newest: m.newest}, segments[:1], 0, third, 100, 101},
		{"back: manifest written", manifest{oldest: 1, newest: second}, nil, 0, 1, 100, 101},
		{"back: newest removed", manifest{oldest: 1, newest: second}, segments[len(segments)-1:], 0, 1, m.newest - 1, m.newest},
		{"reset: manifest written", manifest{oldest: 1, newest: m.newest, resetting: 700}, nil, 0, 0, 0, 700},
		{"reset: some removed", manifest{oldest: 1, newest: m.newest, resetting: 700}, segments[:2], 0, 0, 0, 700},
		{"reset: segment created", manifest{oldest: 1, newest: m.newest, resetting: 700}, segments, 700, 0, 0, 700},
	} {
		dir := im.lay(t, manifestName, c.manifest.encode())
		for _, s := range c.remove {
			if err := os.Remove(segmentPath(dir, s)); err != nil {
				t.Fatal(err)
			}
		}
		if c.empty != 0 {
			if err := createSegment(OS{}, dir, c.empty); err != nil {
				t.Fatal(err)
			}
		}
		l, err := Open(dir, smallSegments())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if l.FirstIndex() != c.first || l.LastIndex() != c.last || l.NextIndex() != c.next {
			t.Errorf("%s: %d..%d next %d, want %d..%d next %d", c.name, l.FirstIndex(), l.LastIndex(), l.NextIndex(), c.first, c.last, c.next)
		}
		appendRange(t, l, c.next, c.next+50)
		mustClose(t, l)
		l = mustOpen(t, dir, smallSegments())
		expectRange(t, l, max(c.first, min(c.next, l.FirstIndex())), c.next+50)
		mustClose(t, l)
	}
}

// A process that dies leaves the preallocated zeros behind; they are no damage
// and no records, for a start as for a look from outside.
func TestZerosBehindTheRecords(t *testing.T) {
	im, tail := makeImage(t, 8, DefaultOptions())
	if len(im[tail]) > 1000 {
		t.Fatalf("a closed log has a segment of %d bytes", len(im[tail]))
	}
	dir := im.lay(t, tail, append(append([]byte(nil), im[tail]...), make([]byte, 1<<20)...))
	records := 0
	if torn, err := ScanDir(dir, func(uint64, []byte) error { records++; return nil }); torn != nil || err != nil || records != 8 {
		t.Fatalf("%d records, torn %+v, %v", records, torn, err)
	}
	l := mustOpen(t, dir, DefaultOptions())
	if r := l.Repaired(); r != (Repair{}) {
		t.Fatalf("repaired %+v", r)
	}
	appendRange(t, l, 9, 12)
	expectRange(t, l, 1, 12)
	mustClose(t, l)
}
