package inbox

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"onsale/sequencer"
)

func smallInbox() *Inbox {
	b := New(Config{RequestsMax: 10, BytesMax: 1000, BatchRequestsMax: 4, BatchBytesMax: 400, HeaderBytes: sequencer.BatchHeaderBytes}, sequencer.ErrNoLeader)
	b.Open()
	return b
}

func buyOf(user string) *sequencer.Command {
	return &sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte(user)}
}

// Chunks leave in the order in which requests came, and hold no more than a batch.
func TestInboxOrderAndBounds(t *testing.T) {
	b := smallInbox()
	for i := range 10 {
		if _, err := b.Put(buyOf(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Put(buyOf("one too many")); !errors.Is(err, sequencer.ErrOverloaded) {
		t.Fatalf("beyond the bound: %v", err)
	}
	if b.Overloaded() != 1 {
		t.Fatalf("%d overloaded", b.Overloaded())
	}
	next := 0
	for c := b.Take(); c != nil; c = b.Take() {
		sequencer.PutBatchHeader(c.Data, 1, c.Count)
		var batch sequencer.Batch
		if err := sequencer.DecodeBatch(c.Data, &batch); err != nil || len(batch.Commands) > 4 {
			t.Fatalf("%d commands, %v", len(batch.Commands), err)
		}
		for _, command := range batch.Commands {
			if string(command.User) != fmt.Sprint(next) {
				t.Fatalf("user %q came %d", command.User, next)
			}
			next++
		}
	}
	if requests, bytes := b.Load(); next != 10 || requests != 0 || bytes != 0 {
		t.Fatalf("%d came out; %d requests, %d bytes are left", next, requests, bytes)
	}
}

// A front-end's frames stay together, and bytes that are no frames are refused
// before they can spoil a batch.
func TestInboxFrames(t *testing.T) {
	b := smallInbox()
	frames := sequencer.AppendCommand(sequencer.AppendCommand(nil, buyOf("a")), buyOf("b"))
	results := make([]sequencer.Result, 2)
	for _, bad := range []struct {
		frames []byte
		count  int
	}{{frames[:len(frames)-1], 2}, {frames, 1}, {frames, 3}, {append(frames, 0, 0), 3}, {nil, 1}, {make([]byte, 500), 1}} {
		if _, err := b.PutMany(bad.frames, bad.count, results); !errors.Is(err, ErrFrames) {
			t.Errorf("%d commands in %x: %v", bad.count, bad.frames, err)
		}
	}
	if _, err := b.Put(buyOf("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // 1 + 2 fit a batch of 4; the second pair begins the next
		if _, err := b.PutMany(frames, 2, results); err != nil {
			t.Fatal(err)
		}
	}
	if first, second := b.Take(), b.Take(); first.Count != 3 || second.Count != 2 {
		t.Fatalf("chunks of %d and %d", first.Count, second.Count)
	}
}

// Whoever waits when the inbox is shut is told; nobody waits for ever.
func TestInboxShutAnswersEverybody(t *testing.T) {
	b := smallInbox()
	var group sync.WaitGroup
	for i := range 8 {
		w, err := b.Put(buyOf(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			if _, err := b.Wait(w); !errors.Is(err, sequencer.ErrStopping) {
				t.Errorf("answered %v", err)
			}
		})
	}
	b.Shut(sequencer.ErrStopping)
	group.Wait()
	if _, err := b.Put(buyOf("late")); !errors.Is(err, sequencer.ErrStopping) {
		t.Fatalf("after shut: %v", err)
	}
}

// A chunk is parted by what those who wait asked for: whoever waits for a command of the
// kind is in one part with all that it asked for, everybody else in the other, in order.
func TestSplit(t *testing.T) {
	b := New(Config{RequestsMax: 100, BytesMax: 1 << 20, BatchRequestsMax: 100, BatchBytesMax: 1 << 19, HeaderBytes: 5}, nil)
	command := func(kind sequencer.Kind, order uint64) []byte {
		return sequencer.AppendCommand(nil, &sequencer.Command{Kind: kind, Order: order, Quantity: 1, User: []byte("u")})
	}
	buy, cancel := command(sequencer.KindBuy, 0), func(order uint64) []byte { return command(sequencer.KindCancel, order) }
	waiting := func(frames ...[]byte) (*Waiter, []sequencer.Result) {
		results := make([]sequencer.Result, len(frames))
		w, err := b.PutMany(bytes.Join(frames, nil), len(frames), results)
		if err != nil {
			t.Fatal(err)
		}
		return w, results
	}
	first, _ := waiting(cancel(1), buy)
	second, told := waiting(cancel(2), cancel(3))
	third, _ := waiting(buy)
	last, lastTold := waiting(cancel(4))

	chunk := b.Take()
	with, without := chunk.Split(5, sequencer.KindBuy)
	if with.Count != 3 || without.Count != 3 || without.Since != chunk.Since {
		t.Fatalf("%d and %d commands", with.Count, without.Count)
	}
	if want := bytes.Join([][]byte{make([]byte, 5), cancel(2), cancel(3), cancel(4)}, nil); !bytes.Equal(without.Data, want) {
		t.Errorf("%x, want %x", without.Data, want)
	}
	refused := errors.New("refused")
	with.Fail(refused)
	without.Deliver([]sequencer.Result{{Seq: 12}, {Seq: 13}, {Seq: 14}})
	for _, w := range []*Waiter{first, third} {
		if _, err := b.Wait(w); !errors.Is(err, refused) {
			t.Errorf("a buy: %v", err)
		}
	}
	for _, w := range []*Waiter{second, last} {
		if _, err := b.Wait(w); err != nil {
			t.Errorf("a cancellation: %v", err)
		}
	}
	if told[0].Seq != 12 || told[1].Seq != 13 || lastTold[0].Seq != 14 {
		t.Errorf("%+v, %+v", told, lastTold)
	}
}
