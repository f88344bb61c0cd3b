package wal

import "testing"

// A log of many appends keeps none of them in memory: the library's fields are where
// appender looks for them.
func TestAppenderForgets(t *testing.T) {
	l := mustOpen(t, t.TempDir(), DefaultOptions())
	defer mustClose(t, l)
	a := l.writer.(*appender)
	if len(a.kept) != 2 {
		t.Fatalf("found %d of the library's two slices", len(a.kept))
	}
	const count, size = 300, 1000
	for i := uint64(1); i <= count; i++ {
		if err := l.Append(i, [][]byte{make([]byte, size)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range a.kept {
		if k.Len() != 0 || k.Cap() > 4*size {
			t.Fatalf("after %d bytes %d are kept, with room for %d", count*size, k.Len(), k.Cap())
		}
	}
	if last, err := a.log.LastIndex(); err != nil || last != count {
		t.Fatalf("the library is at %d, %v", last, err)
	}
	if got, err := l.Read(count); err != nil || len(got) != size {
		t.Fatalf("the last record has %d bytes, %v", len(got), err)
	}
}
