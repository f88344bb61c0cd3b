package sequencer_test

import (
	"errors"
	"testing"

	"onsale/sequencer"
)

// A forwarded batch is a forward command and exactly the buys and cancels that it announces.
func TestForwardOf(t *testing.T) {
	buy := sequencer.AppendCommand(nil, &sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte("ann")})
	cancel := sequencer.AppendCommand(nil, &sequencer.Command{Kind: sequencer.KindCancel, Order: 2, User: []byte("ann")})
	pause := sequencer.AppendCommand(nil, &sequencer.Command{Kind: sequencer.KindSalePause, Sale: 1})
	batch := func(count int, frames ...[]byte) []byte {
		data := make([]byte, sequencer.ForwardBytes)
		sequencer.PutForward(data, 5, 6, count)
		for _, frame := range frames {
			data = append(data, frame...)
		}
		return data
	}
	for name, good := range map[string]struct {
		data  []byte
		count int
	}{"none": {batch(0), 0}, "a buy": {batch(1, buy), 1}, "both": {batch(3, cancel, buy, cancel), 3}} {
		session, number, count, err := sequencer.ForwardOf(good.data)
		if err != nil || session != 5 || number != 6 || count != good.count {
			t.Errorf("%s: %d %d %d, %v", name, session, number, count, err)
		}
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "no forward command": buy, "fewer": batch(2, buy), "more": batch(1, buy, buy), "another kind": batch(1, pause),
		"another kind behind": batch(2, buy, pause), "a frame cut off": batch(1, buy[:len(buy)-1]), "an empty frame": batch(1, []byte{0, 0, 1}),
		"half a header": batch(1, buy[:2]), "a length beyond all": batch(1, append([]byte{255, 255}, buy[2:]...)), "a forward in it": batch(1, batch(0)),
	} {
		if _, _, count, err := sequencer.ForwardOf(bad); !errors.Is(err, sequencer.ErrForward) || count != 0 {
			t.Errorf("%s: %d, %v", name, count, err)
		}
	}
}

// What may be forwarded and what sellers ask for are apart, and the rest is the leader's.
func TestWhoseKinds(t *testing.T) {
	forwardable, sellers := 0, 0
	for kind := sequencer.Kind(0); kind < 255; kind++ {
		if kind.Forwardable() && kind.Sellers() {
			t.Errorf("%s is both", kind)
		}
		if kind.Forwardable() {
			forwardable++
		}
		if kind.Sellers() {
			sellers++
		}
	}
	if forwardable != 2 || sellers != 14 {
		t.Errorf("%d kinds are forwarded, %d are sellers'", forwardable, sellers)
	}
}

// Commands of a kind are counted up to where the bytes are no commands any more.
func TestCountKind(t *testing.T) {
	var frames []byte
	for _, kind := range []sequencer.Kind{sequencer.KindBuy, sequencer.KindCancel, sequencer.KindBuy} {
		frames = sequencer.AppendCommand(frames, &sequencer.Command{Kind: kind, Order: 1, Quantity: 1, User: []byte("u")})
	}
	whole := len(frames)
	for name, c := range map[string]struct {
		frames        []byte
		buys, cancels int
	}{
		"none": {nil, 0, 0}, "whole": {frames, 2, 1}, "cut in the last": {frames[:whole-1], 2, 1},
		"cut in its header": {frames[:whole-len(sequencer.AppendCommand(nil, &sequencer.Command{Kind: sequencer.KindBuy, Order: 1, Quantity: 1, User: []byte("u")}))+2], 1, 1},
		"of no length":      {[]byte{0, 0, byte(sequencer.KindBuy), 0, 0, byte(sequencer.KindBuy)}, 1, 0},
	} {
		if buys, cancels := sequencer.CountKind(c.frames, sequencer.KindBuy), sequencer.CountKind(c.frames, sequencer.KindCancel); buys != c.buys || cancels != c.cancels {
			t.Errorf("%s: %d buys, %d cancellations", name, buys, cancels)
		}
	}
}

// A session tells the number of its newest batch that was executed.
func TestSessionNumber(t *testing.T) {
	s := sequencer.New()
	apply := func(commands ...sequencer.Command) *sequencer.Decisions {
		var d sequencer.Decisions
		s.Apply(&sequencer.Batch{Time: 1, Commands: commands}, &d)
		return &d
	}
	id := apply(sequencer.Command{Kind: sequencer.KindSessionOpen}).Results[0].Seq
	if s.SessionNumber(id) != 0 || s.SessionNumber(id+1) != 0 {
		t.Error("a new session has executed something")
	}
	cancel := sequencer.Command{Kind: sequencer.KindCancel, Order: 1, User: []byte("u")}
	apply(sequencer.Command{Kind: sequencer.KindForward, Order: id, Amount: 7, Count: 1}, cancel)
	apply(sequencer.Command{Kind: sequencer.KindForward, Order: id, Amount: 6, Count: 1}, cancel)
	if n := s.SessionNumber(id); n != 7 {
		t.Errorf("the newest is %d", n)
	}
}
