package journal

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"onsale/wal"
)

// collect asks for blocks page by page, as a peer does.
func collect(t *testing.T, h *History, from, to uint64) (blocks [][]byte, pages int) {
	t.Helper()
	for height := from; height <= to; {
		q := PageQuestion{Height: height, Blocks: uint32(to - height + 1), Bytes: PageBytesMax}
		var first []byte
		for {
			data, err := h.AppendPage(nil, q)
			if err != nil {
				t.Fatal(err)
			}
			if len(data) > PageBytesMax+8 {
				t.Fatalf("a page of %d bytes", len(data))
			}
			asked, err := ParsePageQuestion(AppendPageQuestion(nil, q))
			if err != nil || asked != q {
				t.Fatalf("%+v is read as %+v, %v", q, asked, err)
			}
			p, err := ParsePage(q, data)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			first = append(first, p.Piece...)
			if p.Whole(q.Offset) {
				blocks = append(append(blocks, first), p.Others...)
				height += 1 + uint64(len(p.Others))
				break
			}
			q.Offset = uint32(len(first))
		}
	}
	return blocks, pages
}

// Pages give the blocks of journal and parts as they lie on disk, whatever their
// lengths; what is not there is told so.
func TestPages(t *testing.T) {
	dir, _ := chainOf(t, 90, 61, Span{1, 20}, Span{41, 60})
	j := mustOpen(t, dir)
	h := NewHistory(j)
	end, err := j.Last()
	if err == nil {
		_, err = j.Restore(end)
	}
	if err != nil {
		t.Fatal(err)
	}
	long := block(101)
	long.Decisions = bytes.Repeat([]byte("long "), PageBytesMax/2) // two pages and a half
	if err := j.Put(long); err != nil {
		t.Fatal(err)
	}
	putRange(t, j, 102, 103)
	for _, run := range []struct {
		from, to uint64
		pages    int
	}{{1, 20, 1}, {41, 60, 1}, {61, 90, 1}, {50, 70, 1}, {91, 91, 3}, {80, 93, 4}} {
		blocks, pages := collect(t, h, run.from, run.to)
		if pages != run.pages || uint64(len(blocks)) != run.to-run.from+1 {
			t.Errorf("%d to %d: %d blocks in %d pages", run.from, run.to, len(blocks), pages)
		}
		for i, data := range blocks {
			if b, err := DecodeBlock(data); err != nil || b.Height != run.from+uint64(i) {
				t.Errorf("block %d: %d, %v", run.from+uint64(i), b.Height, err)
			}
		}
	}
	for q, want := range map[PageQuestion]error{
		{Height: 21, Blocks: 1, Bytes: 1 << 16}: ErrNotKept, {Height: 40, Blocks: 9, Bytes: 1 << 16}: ErrNotKept, {Height: 94, Blocks: 1, Bytes: 1 << 16}: ErrNotKept,
		{Height: 5, Blocks: 1, Bytes: 1 << 16, Offset: 1 << 20}: ErrPage,
	} {
		if _, err := h.AppendPage(nil, q); !errors.Is(err, want) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	h.Close()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// A page has as many blocks as are wanted, and as many bytes, and no more.
func TestPageBounds(t *testing.T) {
	dir, head := chainOf(t, 9, 1)
	j := mustOpen(t, dir)
	defer j.Close()
	if _, err := j.Restore(head); err != nil {
		t.Fatal(err)
	}
	h := NewHistory(j)
	defer h.Close()
	one := uint32(len(appendBlock(nil, block(11)))) // as long as each of the nine
	for _, c := range []struct {
		q       PageQuestion
		others  int
		first   uint32 // bytes of the first block
		refused bool
	}{
		{q: PageQuestion{Height: 1, Blocks: 1, Bytes: PageBytesMax}, first: one},
		{q: PageQuestion{Height: 1, Blocks: 3, Bytes: PageBytesMax}, others: 2, first: one},
		{q: PageQuestion{Height: 8, Blocks: 9, Bytes: PageBytesMax}, others: 1, first: one},
		{q: PageQuestion{Height: 1, Blocks: 9, Bytes: one - 1}, first: one - 1},
		{q: PageQuestion{Height: 1, Blocks: 9, Bytes: one}, first: one},
		{q: PageQuestion{Height: 1, Blocks: 9, Bytes: one + 4 + one - 1}, first: one},
		{q: PageQuestion{Height: 1, Blocks: 9, Bytes: one + 4 + one}, others: 1, first: one},
		{q: PageQuestion{Height: 1, Blocks: 9, Bytes: 5, Offset: 3}, first: 5},
		{q: PageQuestion{Height: 1, Blocks: 9, Bytes: 5, Offset: one - 1}, others: 0, first: 1},
		{q: PageQuestion{Height: 1, Blocks: 9, Bytes: 5, Offset: one}, refused: true},
	} {
		prefix := []byte("before")
		data, err := h.AppendPage(prefix, c.q)
		if c.refused {
			if !errors.Is(err, ErrPage) || !bytes.Equal(data, prefix) {
				t.Errorf("%+v: %d bytes, %v", c.q, len(data), err)
			}
			continue
		}
		if err != nil || !bytes.HasPrefix(data, prefix) {
			t.Fatalf("%+v: %v", c.q, err)
		}
		p, err := ParsePage(c.q, data[len(prefix):])
		if err != nil || len(p.Others) != c.others || uint32(len(p.Piece)) != c.first || p.Length != one {
			t.Errorf("%+v: a piece of %d bytes of %d, %d others, %v", c.q, len(p.Piece), p.Length, len(p.Others), err)
		}
		whole := c.q.Offset+c.first == one
		if p.Whole(c.q.Offset) != whole {
			t.Errorf("%+v: whole is %t", c.q, !whole)
		}
	}
}

// Two blocks that travel in pieces at the same time are not mixed.
func TestPiecesOfTwoBlocks(t *testing.T) {
	dir, head := chainOf(t, 9, 1)
	j := mustOpen(t, dir)
	defer j.Close()
	if _, err := j.Restore(head); err != nil {
		t.Fatal(err)
	}
	h := NewHistory(j)
	defer h.Close()
	for round := range uint32(3) {
		for height := uint64(4); height <= 5; height++ {
			q := PageQuestion{Height: height, Offset: 10 * round, Blocks: 1, Bytes: 10}
			data, err := h.AppendPage(nil, q)
			if err != nil {
				t.Fatal(err)
			}
			want, err := j.log.Read(height)
			if err != nil {
				t.Fatal(err)
			}
			if p, err := ParsePage(q, data); err != nil || !bytes.Equal(p.Piece, want[q.Offset:q.Offset+10]) {
				t.Errorf("block %d from %d on: %x, %v", height, q.Offset, p.Piece, err)
			}
		}
	}
}

// A damaged part is told as what it is, not as a block that is not kept.
func TestPageOfADamagedPart(t *testing.T) {
	dir, head := chainOf(t, 90, 61, Span{1, 60})
	j := mustOpen(t, dir)
	defer j.Close()
	if _, err := j.Restore(head); err != nil {
		t.Fatal(err)
	}
	h := NewHistory(j)
	defer h.Close()
	flip(t, PartDir(dir, Span{1, 60}))
	q := PageQuestion{Height: 1, Blocks: 60, Bytes: PageBytesMax}
	prefix := []byte("before")
	for range 2 { // the second time as the first
		if data, err := h.AppendPage(prefix, q); !errors.Is(err, wal.ErrCorrupt) || !bytes.Equal(data, prefix) {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	}
}

func TestPageQuestionBounds(t *testing.T) {
	sound := AppendPageQuestion(nil, PageQuestion{Height: 1, Blocks: 1, Bytes: 1})
	change := func(spoil func(data []byte)) []byte {
		data := bytes.Clone(sound)
		spoil(data)
		return data
	}
	highest := PageQuestion{Height: math.MaxUint64 - PageBlocksMax, Blocks: 1, Bytes: 1, Offset: 9}
	above := highest
	above.Height++
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"smallest", sound, nil},
		{"highest", AppendPageQuestion(nil, highest), nil},
		{"above the highest", AppendPageQuestion(nil, above), ErrPage},
		{"nothing", nil, ErrPage},
		{"shorter", sound[1:], ErrPage},
		{"longer", append(bytes.Clone(sound), 0), ErrPage},
		{"with a wait", AppendPageQuestion(nil, PageQuestion{Height: 1, Blocks: 1, Bytes: 1, WaitMilliseconds: 1, Spare: true}), nil},
		{"with the longest", AppendPageQuestion(nil, PageQuestion{Height: 1, Blocks: 1, Bytes: 1, WaitMilliseconds: 30_000}), nil},
		{"with a longer one", AppendPageQuestion(nil, PageQuestion{Height: 1, Blocks: 1, Bytes: 1, WaitMilliseconds: 30_001}), ErrPage},
		{"spared without a wait", AppendPageQuestion(nil, PageQuestion{Height: 1, Blocks: 1, Bytes: 1, Spare: true}), ErrPage},
		{"a wait of nothing", append(bytes.Clone(append([]byte{2}, sound[1:]...)), 0, 0, 0, 0), ErrPage},
		{"newer", change(func(data []byte) { data[0]++ }), ErrPage},
		{"first reserved byte", change(func(data []byte) { data[1] = 1 }), ErrPage},
		{"second reserved byte", change(func(data []byte) { data[2] = 1 }), ErrPage},
		{"third reserved byte", change(func(data []byte) { data[3] = 1 }), ErrPage},
		{"reserved bytes", change(func(data []byte) { data[1], data[2], data[3] = 1, 1, 1 }), ErrPage},
		{"no height", AppendPageQuestion(nil, PageQuestion{Blocks: 1, Bytes: 1}), ErrPage},
		{"no blocks", AppendPageQuestion(nil, PageQuestion{Height: 1, Bytes: 1}), ErrPage},
		{"no bytes", AppendPageQuestion(nil, PageQuestion{Height: 1, Blocks: 1}), ErrPage},
	} {
		q, err := ParsePageQuestion(c.data)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && !bytes.Equal(AppendPageQuestion(nil, q), c.data) {
			t.Errorf("%s: read as %+v", c.name, q)
		}
	}
}

// What a peer sends is refused unless it is what was asked for.
func TestParsePage(t *testing.T) {
	q := PageQuestion{Height: 1, Blocks: 3, Bytes: 100}
	for _, c := range []struct {
		name   string
		q      PageQuestion
		data   string
		others int
		want   error
	}{
		{"a block", q, "\x02\x00\x00\x00ab", 0, nil},
		{"a piece of one", q, "\x09\x00\x00\x00ab", 0, nil},
		{"three blocks", q, "\x02\x00\x00\x00ab\x01\x00\x00\x00c\x01\x00\x00\x00d", 2, nil},
		{"four blocks", q, "\x02\x00\x00\x00ab\x01\x00\x00\x00c\x01\x00\x00\x00d\x01\x00\x00\x00e", 0, ErrPage},
		{"nothing", q, "", 0, ErrPage},
		{"half a length", q, "\x02\x00\x00", 0, ErrPage},
		{"a length alone", q, "\x02\x00\x00\x00", 0, ErrPage},
		{"a block of no bytes", q, "\x00\x00\x00\x00", 0, ErrPage},
		{"a second one of no bytes", q, "\x01\x00\x00\x00a\x00\x00\x00\x00", 0, ErrPage},
		{"a second one that is cut", q, "\x01\x00\x00\x00a\x02\x00\x00\x00b", 0, ErrPage},
		{"longer than any block", q, "\x01\x00\x00\x40a", 0, ErrPage},
		{"the longest", q, "\x00\x00\x00\x40a", 0, nil},
		{"from an offset", PageQuestion{Height: 1, Blocks: 3, Offset: 1}, "\x02\x00\x00\x00b\x01\x00\x00\x00c", 1, nil},
		{"from its end", PageQuestion{Height: 1, Blocks: 3, Offset: 2}, "\x02\x00\x00\x00b", 0, ErrPage},
	} {
		p, err := ParsePage(c.q, []byte(c.data))
		if !errors.Is(err, c.want) || len(p.Others) != c.others {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
	}
}

// Whatever bytes come, a page is refused or refers to all of them, in order.
func FuzzPage(f *testing.F) {
	dir, _ := chainOf(f, 9, 1)
	j := mustOpen(f, dir)
	h := NewHistory(j)
	end, err := j.Last()
	if err == nil {
		_, err = j.Restore(end)
	}
	for _, q := range []PageQuestion{{Height: 1, Blocks: 1, Bytes: 1 << 16}, {Height: 2, Blocks: 5, Bytes: 1 << 16}, {Height: 3, Offset: 7, Blocks: 3, Bytes: 1 << 16}} {
		data, failed := h.AppendPage(nil, q)
		if err != nil || failed != nil {
			f.Fatal(err, failed)
		}
		f.Add(q.Offset, q.Blocks, data)
		f.Add(q.Offset, q.Blocks, data[:len(data)/2])
	}
	h.Close()
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, offset, blocks uint32, data []byte) {
		q := PageQuestion{Height: 1, Offset: offset, Blocks: blocks, Bytes: PageBytesMax}
		p, err := ParsePage(q, data)
		if err != nil {
			if !errors.Is(err, ErrPage) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		total := 4 + len(p.Piece)
		for _, other := range p.Others {
			total += 4 + len(other)
		}
		if total != len(data) || uint32(len(p.Others)) >= blocks || len(p.Others) > 0 && !p.Whole(offset) || p.Length > BlockBytesMax {
			t.Fatalf("%+v of %d bytes is read as %d, %d others of %d bytes together", q, len(data), len(p.Piece), len(p.Others), total)
		}
	})
}

func FuzzPageQuestion(f *testing.F) {
	f.Add(AppendPageQuestion(nil, PageQuestion{Height: 7, Offset: 5, Blocks: 3, Bytes: 1 << 16}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if q, err := ParsePageQuestion(data); err == nil && !reflect.DeepEqual(AppendPageQuestion(nil, q), data) {
			t.Fatalf("%x is read as %+v", data, q)
		}
	})
}
