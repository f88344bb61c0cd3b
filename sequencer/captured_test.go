package sequencer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// The money of the newest attempt is captured once, and of no other attempt.
func TestCapturedAttempts(t *testing.T) {
	s, d := sold(t), new(Decisions)
	one := func(c Command) Code {
		s.Apply(&Batch{Time: s.Now() + 1, Commands: []Command{c}}, d)
		return d.Results[0].Code
	}
	order := uint64(2)
	begin := Command{Kind: KindPayBegin, Order: order, User: []byte("ann"), Amount: 100, Reference: []byte("a")}
	for _, c := range []Command{begin, {Kind: KindPayResult, Order: order, Attempt: 1, Outcome: PayRejected},
		begin, {Kind: KindPayResult, Order: order, Attempt: 2, Outcome: PayAccepted}} {
		if code := one(c); code != CodeOK {
			t.Fatalf("%s: %s", c.Kind, code)
		}
	}
	for _, step := range []struct {
		order   uint64
		attempt uint8
		want    Code
		due     bool
	}{
		{order, 0, CodeBadRequest, true}, {order, 3, CodeBadRequest, true}, {order, 1, CodeStaleAttempt, true},
		{99, 2, CodeUnknownOrder, true}, {order, 2, CodeOK, false}, {order, 2, CodeStaleAttempt, false},
	} {
		code := one(Command{Kind: KindPayCaptured, Order: step.order, Attempt: step.attempt, Amount: 100})
		if view, _ := s.Order(order); code != step.want || view.CaptureDue != step.due || (s.UnsettledCount() == 1) != step.due {
			t.Errorf("attempt %d of order %d: %s, due %t", step.attempt, step.order, code, view.CaptureDue)
		}
	}
}

// What was put into an arena is there, also beyond the first chunks.
func TestArenaOfManyChunks(t *testing.T) {
	var a arena
	var refs []textRef
	text := func(i int) []byte { return bytes.Repeat(fmt.Append(nil, i, "-"), 250/len(fmt.Append(nil, i, "-"))) }
	for i := 0; len(a.chunks) < 4; i++ {
		refs = append(refs, a.put(text(i)))
	}
	early := a.freeze()
	refs = append(refs, a.put(nil), a.put([]byte("last")))
	for i, ref := range refs[:len(refs)-2] {
		if !bytes.Equal(a.get(ref), text(i)) || !bytes.Equal(early.get(ref), text(i)) {
			t.Fatalf("number %d is %q", i, a.get(ref))
		}
	}
	if got := a.get(refs[len(refs)-1]); string(got) != "last" || len(a.get(refs[len(refs)-2])) != 0 {
		t.Errorf("the last is %q", got)
	}
	for i, chunk := range a.chunks {
		if len(chunk) > arenaChunkBytes || i > 0 && cap(chunk) != arenaChunkBytes {
			t.Errorf("chunk %d has %d bytes in %d", i, len(chunk), cap(chunk))
		}
	}
}

// A command of a kind that nobody knows is none, whatever follows its kind.
func TestUnknownKindsAreNone(t *testing.T) {
	for kind := range 256 {
		if kind > 0 && kind <= int(KindMax) {
			continue
		}
		for _, fields := range [][]byte{nil, {1}, make([]byte, 200)} {
			batch := make([]byte, BatchHeaderBytes)
			PutBatchHeader(batch, 1, 1)
			batch = binary.LittleEndian.AppendUint16(batch, uint16(1+len(fields)))
			batch = append(append(batch, byte(kind)), fields...)
			var b Batch
			if err := DecodeBatch(batch, &b); err != nil || b.Commands[0].Kind != 0 {
				t.Errorf("kind %d with %d bytes is read as %+v, %v", kind, len(fields), b.Commands, err)
			}
		}
	}
}
