package forward

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/codes"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// Who waits for news of a leader hears of each, also of another node at the same address,
// and of nothing that is no news.
func TestDirectoryTellsOfLeaders(t *testing.T) {
	d := NewDirectory([]string{"a", "b"})
	for _, test := range []struct {
		what        func()
		id, address string
		news        bool
	}{
		{func() { d.SetLeader("", "") }, "", "", false},
		{func() { d.SetLeader("n1", "a") }, "n1", "a", true},
		{func() { d.SetLeader("n1", "a") }, "n1", "a", false},
		{func() { d.SetLeader("n2", "a") }, "n2", "a", true},
		{func() { d.SetLeader("n2", "b") }, "n2", "b", true},
		{func() { d.suspect("a") }, "n2", "b", false},
		{func() { d.found("n1", "a") }, "n2", "b", false},
		{func() { d.suspect("b") }, "", "", true},
		{func() { d.found("n1", "a") }, "n1", "a", true},
	} {
		_, _, changed := d.Leader()
		test.what()
		id, address, _ := d.Leader()
		news := false
		select {
		case <-changed:
			news = true
		default:
		}
		if id != test.id || address != test.address || news != test.news {
			t.Errorf("%q at %q, news %t; want %+v", id, address, news, test)
		}
	}
}

// Where nobody is known to lead, every node is tried in turn; addresses are never lost.
func TestDirectoryTriesEverybody(t *testing.T) {
	d := NewDirectory(nil)
	if at := d.candidate(); at != (candidate{}) {
		t.Errorf("nobody is known, and %+v is tried", at)
	}
	d.SetAddresses([]string{"a", "b", "c"})
	d.SetAddresses(nil)
	tried := map[string]int{}
	for range 6 {
		at := d.candidate()
		tried[at.address]++
	}
	if tried["a"] != 2 || tried["b"] != 2 || tried["c"] != 2 {
		t.Errorf("tried are %v", tried)
	}
	d.SetLeader("n2", "b")
	if at := d.candidate(); at != (candidate{"n2", "b"}) {
		t.Errorf("%+v is tried, b leads", at)
	}
}

// An order that a node could not look for is not one that is not there.
func TestWhatCouldNotBeReadIsNotMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(pair)
		startScriptedAt(t, p.network.listen("n1"), "n1", func(f frame) reaction {
			if f.kind == kindSales {
				return reaction{body: []byte(`{"complete":true}`)}
			}
			return reaction{err: sequencer.ErrBehind}
		})
		f, link := p.frontEnd(t, "n1"), p.linkTo(t, "n1")
		time.Sleep(2 * MirrorInterval)
		if _, _, found, err := f.Order(t.Context(), 1, 0); found || !errors.Is(err, sequencer.ErrBehind) {
			t.Errorf("an order of a front-end: %t, %v", found, err)
		}
		if _, _, err := f.OrdersOf(t.Context(), []byte("ann"), 0, 1, 0); !errors.Is(err, sequencer.ErrBehind) {
			t.Errorf("orders of a front-end: %v", err)
		}
		if _, _, found, err := link.Order(t.Context(), 1, 0); found || !errors.Is(err, sequencer.ErrBehind) {
			t.Errorf("an order over a link: %t, %v", found, err)
		}
		if _, _, err := link.OrdersOf(t.Context(), []byte("ann"), 0, 1, 0); !errors.Is(err, sequencer.ErrBehind) {
			t.Errorf("orders over a link: %v", err)
		}
		if err := f.CatchUp(t.Context()); !errors.Is(err, sequencer.ErrBehind) {
			t.Errorf("catching up: %v", err)
		}
	})
}

// says answers every forward command with a code.
type says struct {
	*single
	code  sequencer.Code
	order uint64
}

func (s says) DecideMany(_ []byte, _ int, results []sequencer.Result) error {
	results[0] = sequencer.Result{Seq: 9, Code: s.code, Order: s.order}
	return nil
}

// Only a batch that was executed now has decisions; each other word of the log is an error
// of its own.
func TestWhatTheLogSaysOfABatch(t *testing.T) {
	for _, test := range []struct {
		says says
		want error
	}{
		{says{code: sequencer.CodeOK}, nil},
		{says{code: sequencer.CodeBatchRepeated}, codes.ErrToldNoMore},
		{says{code: sequencer.CodeBatchRepeated, order: 3}, codes.ErrToldNoMore}, // single keeps none
		{says{code: sequencer.CodeUnknownSession}, codes.ErrSessionForgotten},
		{says{code: sequencer.CodeBadRequest}, inbox.ErrFrames},
	} {
		test.says.single = newSingle()
		body, err := execute(test.says, forwardOf(1), new([]sequencer.Result), nil)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || (len(body) > 0) != (err == nil) {
			t.Errorf("%v: %x, %v", test.says.code, body, err)
		}
	}
}

// Who did not answer is passed over for a time, while there are others.
func TestDirectoryPassesOverWhoIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDirectory([]string{"a", "b", "c"})
		d.SetLeader("n1", "a")
		d.learn("a", errUnreachable)
		tried := map[string]int{}
		for range 6 {
			tried[d.candidate().address]++
		}
		if tried["a"] != 0 || tried["b"] == 0 || tried["c"] == 0 {
			t.Errorf("tried %v", tried)
		}
		d.learn("b", &sequencer.NotLeaderError{}) // it answered
		if time.Sleep(missedTime); d.candidate().address == "" {
			t.Error("nobody is tried")
		}
		for range 6 {
			tried[d.candidate().address]++
		}
		if tried["a"] == 0 {
			t.Error("it is never tried again")
		}
		alone := NewDirectory([]string{"a"})
		if alone.learn("a", errUnreachable); alone.candidate().address != "a" {
			t.Error("the only one is passed over")
		}
	})
}
