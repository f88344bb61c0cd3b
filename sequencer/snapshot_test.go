package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
)

// decide applies one batch of commands at a time.
func decide(s *State, time int64, commands ...Command) Decisions {
	var d Decisions
	s.Apply(&Batch{Time: time, Commands: commands}, &d)
	return d
}

func writeSnapshot(t testing.TB, sn *Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := sn.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes, %v", n, b.Len(), err)
	}
	return b.Bytes()
}

// A snapshot is of the moment it was taken, whatever is applied while it is being
// written: orders of its pages expire, new ones are appended to its last page.
func TestSnapshotIsFrozen(t *testing.T) {
	s, r := newSale(t, 5000, 100_000), &rush{}
	fill(t, s, r, 6500)
	want, seq := s.Hash(), s.Seq()
	frozen := s.Snapshot()
	before := writeSnapshot(t, frozen)
	written := make(chan []byte)
	go func() { // the race detector watches
		var b bytes.Buffer
		frozen.WriteTo(&b)
		written <- b.Bytes()
	}()
	var d Decisions
	for range 5 {
		s.Apply(r.next(t, 1), &d)
	}
	decide(s, r.time+4000e9) // every hold ends, the waitlist moves up
	if !bytes.Equal(<-written, before) || !bytes.Equal(writeSnapshot(t, frozen), before) {
		t.Fatal("the snapshot changed after it was taken")
	}
	restored, err := ReadSnapshot(bytes.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	if restored.Hash() != want || restored.Seq() != seq || s.Hash() == want {
		t.Fatalf("restored %016x at %d, want %016x at %d", restored.Hash(), restored.Seq(), want, seq)
	}
	if again := writeSnapshot(t, restored.Snapshot()); !bytes.Equal(again, before) {
		t.Fatal("a restored state is written differently")
	}
}

// Every byte of a snapshot counts: each changed one, and each missing tail, is
// found.
func TestSnapshotDamage(t *testing.T) {
	s := newSale(t, 3, 5)
	for i := range 6 {
		decide(s, int64(i), Command{Kind: KindBuy, Sale: 1, Quantity: 2, User: fmt.Append(nil, "user", i), Key: KeyDigest{byte(i + 1)}})
	}
	decide(s, 7, Command{Kind: KindSalePause, Sale: 1}, Command{Kind: KindBuy, Sale: 1, Quantity: 1, User: []byte("x"), Key: KeyDigest{99}})
	whole := writeSnapshot(t, s.Snapshot())
	for i := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 1 << (i % 8)
		if _, err := ReadSnapshot(bytes.NewReader(damaged)); !errors.Is(err, ErrSnapshotCorrupt) && !errors.Is(err, ErrVersion) {
			t.Fatalf("byte %d of %d changed: %v", i, len(whole), err)
		}
		if _, err := ReadSnapshot(bytes.NewReader(whole[:i])); !errors.Is(err, ErrSnapshotCorrupt) {
			t.Fatalf("cut at %d of %d: %v", i, len(whole), err)
		}
	}
}

func TestSnapshotWriteError(t *testing.T) {
	s, r := newSale(t, 5000, 0), &rush{}
	fill(t, s, r, 5000)
	want := errors.New("disk full")
	reader, writer := io.Pipe()
	reader.CloseWithError(want)
	if _, err := s.Snapshot().WriteTo(writer); !errors.Is(err, want) {
		t.Fatal(err)
	}
}

// BenchmarkSnapshot measures how long decisions wait for a snapshot to be taken
// (freeze) and how long writing and reading take beside them.
func BenchmarkSnapshot(b *testing.B) {
	for _, c := range []struct {
		name              string
		tickets, waitlist uint32
		orders            uint32
	}{{"reserved=100000", 100_000, 0, 100_000}, {"waitlisted=10000000", 1000, WaitlistMax, 10_000_000}} {
		s, r := newSale(b, c.tickets, c.waitlist), &rush{}
		fill(b, s, r, c.orders)
		var frozen *Snapshot
		b.Run(c.name+"/freeze", func(b *testing.B) {
			for range b.N {
				frozen = s.Snapshot()
			}
		})
		var written bytes.Buffer
		b.Run(c.name+"/write", func(b *testing.B) {
			for range b.N {
				written.Reset()
				if _, err := frozen.WriteTo(&written); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(written.Len()), "bytes")
		})
		b.Run(c.name+"/read", func(b *testing.B) {
			for range b.N {
				if _, err := ReadSnapshot(bytes.NewReader(written.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A sale whose terms were written by another release makes the snapshot one of another
// version, not a damaged one.
func TestSnapshotWithOtherSpecVersion(t *testing.T) {
	whole := writeSnapshot(t, newSale(t, 3, 5).Snapshot())
	whole[snapshotHeaderBytes+2] = 99
	binary.LittleEndian.PutUint32(whole[len(whole)-4:], crc32.Checksum(whole[:len(whole)-4], castagnoli))
	_, err := ReadSnapshot(bytes.NewReader(whole))
	if !errors.Is(err, ErrVersion) || errors.Is(err, ErrSnapshotCorrupt) || !strings.Contains(err.Error(), "sale 1: ") {
		t.Error(err)
	}
}
