package forward

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// pair is a leader and a follower that lags: it has not applied the second order.
type pair struct {
	network          memory
	leader, follower *served
	early, late      sequencer.Result
}

func startPair(t testing.TB) *pair {
	p := new(pair)
	one, two := newSingle(), newSingle()
	one.leads = true
	p.early = apply(t, gig("ann"), one, two)[1]
	p.late = apply(t, buys("ann"), one)[0]
	p.leader = startServed(t, &p.network, "n1", one, office{}, nil)
	p.follower = startServed(t, &p.network, "n2", two, nil, nil)
	p.follower.directory.SetLeader("n1", "n1")
	return p
}

// wantOrder is what the leader shows of an order.
func (p *pair) wantOrder(seq uint64) (want sequencer.OrderView) {
	p.leader.Read(func(s sequencer.Reader) { want, _ = s.Order(seq) })
	return want
}

// heightOf returns the block in which the pair's order with a seq was decided.
func heightOf(p *pair, seq uint64) uint64 {
	if seq == p.early.Seq {
		return 1
	}
	return 2
}

// A follower shows an order from its own replica at once, waits for one that is to come,
// and asks the leader after LeaderAfter.
func TestWhereAnOrderIsRead(t *testing.T) {
	for name, test := range map[string]struct {
		of        func(p *pair) uint64
		reached   func(p *pair) uint64
		meanwhile func(t *testing.T, p *pair)
		took      time.Duration
		leader    bool // it was asked
		asOf      func(p *pair) uint64
	}{
		"here":             {of: func(p *pair) uint64 { return p.early.Order }, asOf: func(p *pair) uint64 { return p.early.Seq }},
		"at the leader":    {of: func(p *pair) uint64 { return p.late.Order }, took: LeaderAfter, leader: true, asOf: func(p *pair) uint64 { return p.late.Seq }},
		"as of a decision": {of: func(p *pair) uint64 { return p.early.Order }, reached: func(p *pair) uint64 { return p.late.Seq }, took: LeaderAfter, leader: true, asOf: func(p *pair) uint64 { return p.late.Seq }},
		"here, later": {of: func(p *pair) uint64 { return p.late.Order }, took: LeaderAfter / 2, asOf: func(p *pair) uint64 { return p.late.Seq },
			meanwhile: func(t *testing.T, p *pair) { apply(t, buys("ann"), p.follower.single) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, reached := startPair(t), uint64(0)
				if test.reached != nil {
					reached = test.reached(p)
				}
				if test.meanwhile != nil {
					time.AfterFunc(LeaderAfter/2, func() { test.meanwhile(t, p) })
				}
				for range 2 {
					began, before := time.Now(), p.leader.server.Counters().Questions.Load()
					view, asOf, found, err := p.follower.replica.Order(t.Context(), test.of(p), reached)
					want := p.wantOrder(test.of(p))
					want.AsOfSeq, want.AsOf.Height = test.asOf(p), heightOf(p, test.asOf(p))
					if err != nil || !found || asOf != (sequencer.AsOf{Seq: want.AsOfSeq, Position: want.AsOf}) || !reflect.DeepEqual(view, want) {
						t.Errorf("%+v as of %v, %t, %v; want %+v", view, asOf, found, err, want)
					}
					views, asOf, err := p.follower.replica.OrdersOf(t.Context(), []byte("ann"), 0, 10, max(test.of(p), reached))
					if err != nil || asOf.Seq != test.asOf(p) || len(views) < 1 || views[0].Seq != p.early.Order || views[0].AsOfSeq != asOf.Seq || views[0].AsOf != asOf.Position {
						t.Errorf("%+v as of %v, %v", views, asOf, err)
					}
					asked := p.leader.server.Counters().Questions.Load() != before
					if took := time.Since(began); took != test.took && took != 2*test.took || asked != test.leader {
						t.Errorf("it took %v, the leader was asked: %t", took, asked)
					}
					if test.meanwhile != nil {
						break
					}
				}
			})
		})
	}
}

// What nobody has is not found; what the leader does not have is not found as of where it
// is, also when this node leads itself.
func TestOrdersThatAreNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		for _, r := range []*Replica{p.follower.replica, p.leader.replica} {
			view, asOf, found, err := r.Order(t.Context(), 99, 0)
			if err != nil || found || asOf.Seq != p.late.Seq || asOf.Height != 2 || !reflect.DeepEqual(view, sequencer.OrderView{}) {
				t.Errorf("%+v as of %v, %t, %v", view, asOf, found, err)
			}
			views, asOf, err := r.OrdersOf(t.Context(), []byte("bob"), 0, 10, 99)
			if err != nil || len(views) > 0 || asOf.Seq != p.late.Seq || asOf.Height != 2 {
				t.Errorf("%+v as of %v, %v", views, asOf, err)
			}
			views, asOf, err = r.OrdersOf(t.Context(), []byte("ann"), p.early.Order, 10, 99)
			if err != nil || len(views) != 1 || views[0].Seq != p.late.Order || asOf.Seq != p.late.Seq || asOf.Height != 2 {
				t.Errorf("%+v as of %v, %v", views, asOf, err)
			}
			if views, _, err = r.OrdersOf(t.Context(), []byte("ann"), 0, 1, 99); err != nil || len(views) != 1 {
				t.Errorf("%d of at most one order, %v", len(views), err)
			}
		}
		if view, asOf, found, err := p.leader.replica.Order(t.Context(), p.early.Order, 99); err != nil || !found ||
			asOf.Seq != p.late.Seq || asOf.Height != 2 || !reflect.DeepEqual(view, p.wantOrder(p.early.Order)) {
			t.Errorf("a leader that is asked for more than there is: %+v as of %v, %t, %v", view, asOf, found, err)
		}
	})
}

// Without a leader a read ends in time, with the error that says so.
func TestReadsWithoutALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		p.leader.stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, found, err := p.follower.replica.Order(ctx, p.late.Order, 0)
		if found || !isAny(err, sequencer.ErrNoLeader, sequencer.ErrBehind) {
			t.Errorf("an order: %t, %v", found, err)
		}
		if _, _, err := p.follower.replica.OrdersOf(ctx, []byte("ann"), 0, 10, p.late.Seq); !isAny(err, sequencer.ErrNoLeader, sequencer.ErrBehind) {
			t.Errorf("orders: %v", err)
		}
		if err := p.follower.replica.CatchUp(ctx); !isAny(err, sequencer.ErrNoLeader, sequencer.ErrBehind) {
			t.Errorf("catching up: %v", err)
		}
		time.Sleep(2 * shareTimeout) // the questions end
	})
}

// A follower is caught up when it shows what the leader had decided, and not before.
func TestCatchUpWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		began := time.Now()
		time.AfterFunc(time.Second, func() { apply(t, buys("ann"), p.follower.single) })
		if err := p.follower.replica.CatchUp(t.Context()); err != nil || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if err := p.leader.replica.CatchUp(t.Context()); err != nil || time.Since(began) != time.Second {
			t.Errorf("the leader, after %v: %v", time.Since(began), err)
		}
	})
}

func (p *pair) frontEnd(t testing.TB, addresses ...string) *Remote {
	config := peer.DefaultConfig()
	config.ID, config.Role, config.Dial, config.HandshakeTimeout = "f1", peer.FrontEnd, p.network.dial, playedAttemptTimeout
	client := playedConfig()
	r := NewRemote(NewClient(client, &config, NewDirectory(addresses), nil, Limits{}), client.Logger)
	t.Cleanup(func() { r.Close() })
	return r
}

// A front-end shows the sales of a node that answers, and goes to another one when that
// one stops; what it has shown it shows still.
func TestFrontEndGoesToAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		apply(t, buys("ann"), p.follower.single) // it does not lag
		f := p.frontEnd(t, nowhere, "n2", "n1")
		if _, known := f.Cluster(); known || f.AppliedSeq() != 0 {
			t.Error("something is known before a node answered")
		}
		time.Sleep(2 * MirrorInterval)
		shows := func(seq uint64, node string) {
			t.Helper()
			is, known := f.Cluster()
			want, _ := p.leader.SaleByID("gig")
			sale, found := f.SaleByID("gig")
			if f.AppliedSeq() != seq || !known || is.ID != node || !found || *sale != *want || len(f.Sales()) != 1 || f.Sales()[0] != *want {
				t.Errorf("as of %d, of %+v: %+v, want %+v", f.AppliedSeq(), is, sale, want)
			}
			if f.Age() > 2*MirrorInterval {
				t.Errorf("not heard of for %v", f.Age())
			}
		}
		shows(p.late.Seq, "n2")
		if id, address, _ := f.client.directory.Leader(); id != "n1" || address != "n1" {
			t.Errorf("%q at %q is thought to lead", id, address)
		}
		view, asOf, found, err := f.Order(t.Context(), p.late.Order, 0)
		if err != nil || !found || asOf.Seq != p.late.Seq || asOf.Height != 2 || !reflect.DeepEqual(view, p.wantOrder(p.late.Order)) {
			t.Errorf("%+v as of %v, %t, %v", view, asOf, found, err)
		}
		if view, asOf, found, err := f.Order(t.Context(), 99, p.late.Seq); err != nil || found || asOf.Seq != p.late.Seq || asOf.Height != 2 || view.Seq != 0 {
			t.Errorf("%+v as of %v, %t, %v", view, asOf, found, err)
		}

		p.follower.stop()
		time.Sleep(10 * MirrorInterval)
		more := apply(t, buys("bob"), p.leader.single)[0]
		time.Sleep(2 * MirrorInterval)
		shows(more.Seq, "n1")
		if views, asOf, err := f.OrdersOf(t.Context(), []byte("bob"), 0, 10, more.Seq); err != nil || len(views) != 1 || asOf.Seq != more.Seq {
			t.Errorf("%+v as of %v, %v", views, asOf, err)
		}

		p.leader.stop()
		time.Sleep(20 * MirrorInterval)
		if _, known := f.SaleByID("gig"); !known || f.Age() < 10*MirrorInterval {
			t.Errorf("known %t, not heard of for %v", known, f.Age())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, _, err := f.Order(ctx, p.late.Order, 0); !isAny(err, sequencer.ErrNoLeader, sequencer.ErrBehind) {
			t.Errorf("an order: %v", err)
		}
		if _, _, err := f.OrdersOf(ctx, []byte("ann"), 0, 1, 0); !isAny(err, sequencer.ErrNoLeader, sequencer.ErrBehind) {
			t.Errorf("orders: %v", err)
		}
		if err := f.CatchUp(ctx); !isAny(err, sequencer.ErrNoLeader, sequencer.ErrBehind) {
			t.Errorf("catching up: %v", err)
		}
		time.Sleep(2 * shareTimeout)
	})
}

// A front-end waits until it shows a decision, and not longer than it may; who watches an
// order hears of it within MirrorInterval.
func TestFrontEndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		f := p.frontEnd(t, "n1")
		time.Sleep(2 * MirrorInterval)
		next := p.late.Seq + 1
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.WaitApplied(ctx, next); !errors.Is(err, sequencer.ErrBehind) || ctx.Err() == nil {
			t.Errorf("before the decision: %v", err)
		}

		heard := make(chan time.Time, 9)
		stop := f.Watch(p.early.Order, func() { heard <- time.Now() })
		defer stop()
		var began time.Time
		time.AfterFunc(time.Second, func() {
			began = time.Now()
			apply(t, []sequencer.Command{{Kind: sequencer.KindCancel, Sale: 1, Order: p.early.Order, User: []byte("ann")}}, p.leader.single)
		})
		if err := f.WaitApplied(t.Context(), next); err != nil || time.Since(began) > 2*MirrorInterval {
			t.Errorf("%v after the decision: %v", time.Since(began), err)
		}
		if at := <-heard; at.Sub(began) > 2*MirrorInterval || at.Before(began) {
			t.Errorf("it was told %v after the decision", at.Sub(began))
		}
		if err := f.CatchUp(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * MirrorInterval)
		if len(heard) > 0 {
			t.Errorf("it was told %d times more", len(heard))
		}
		questions := p.leader.server.Counters().Questions.Load()
		time.Sleep(20 * MirrorInterval)
		if asked := p.leader.server.Counters().Questions.Load() - questions; asked < 15 || asked > 25 {
			t.Errorf("%d questions in 20 intervals", asked)
		}
	})
}
