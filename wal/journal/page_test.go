package journal

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
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
