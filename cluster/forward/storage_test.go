package forward

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"onsale/sequencer"
)

// While the leader holds buys, a front-end's buyers are told so at once and can cancel, also
// when the two come in one batch; afterwards buys go on in the same session.
func TestHeldBuysAndCancellations(t *testing.T) {
	l := startLeader(t)
	f := frontEndAt(t, l.node.Address(), nil)
	orders := make([]sequencer.Result, 50)
	each := func(do func(i int)) {
		var group sync.WaitGroup
		for i := range orders {
			group.Go(func() { do(i) })
		}
		group.Wait()
	}
	buy := func(i int, what string) (sequencer.Result, error) { return f.Decide(l.buy(fmt.Sprint(what, i))) }
	each(func(i int) {
		var err error
		if orders[i], err = buy(i, "first "); err != nil || orders[i].State != sequencer.StateReserved {
			t.Errorf("buy %d: %+v, %v", i, orders[i], err)
		}
	})

	l.node.HoldBuys(fmt.Errorf("%w: 2 of 3", sequencer.ErrStorageLow))
	each(func(i int) {
		var both sync.WaitGroup
		both.Go(func() {
			if r, err := buy(i, "second "); !errors.Is(err, sequencer.ErrStorageLow) {
				t.Errorf("buy %d while buys are held: %+v, %v", i, r, err)
			}
		})
		r, err := f.Decide(&sequencer.Command{Kind: sequencer.KindCancel, Order: orders[i].Order, User: []byte(fmt.Sprint("first ", i))})
		if err != nil || r.State != sequencer.StateCancelled {
			t.Errorf("cancellation %d: %+v, %v", i, r, err)
		}
		both.Wait()
	})
	n := f.Client().Counters()
	if low := n.StorageLow.Load(); low != 50 || n.Unknown.Load()+n.NoLeader.Load() != 0 {
		t.Errorf("%d buys are counted as refused, %d and %d otherwise", low, n.Unknown.Load(), n.NoLeader.Load())
	}

	l.node.HoldBuys(nil)
	each(func(i int) {
		if r, err := buy(i, "second "); err != nil || r.State != sequencer.StateReserved {
			t.Errorf("buy %d afterwards: %+v, %v", i, r, err)
		}
	})
	if sessions := n.Sessions.Load(); sessions != 1 {
		t.Errorf("%d sessions", sessions)
	}
}
