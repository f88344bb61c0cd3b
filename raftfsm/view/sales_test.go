package view

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"onsale/sequencer"
)

func concert() sequencer.SaleSpec {
	return sequencer.SaleSpec{ID: "concert", Item: "Concert", Quantity: 1000, Cap: 2, Price: 100, Currency: "EUR", Hold: int64(time.Hour), Grace: int64(time.Minute)}
}

// A reader that goes on behind the newest change that it was shown has every sale, however
// its questions fall between the batches: a sale that it missed would be unknown to a
// front-end until somebody else changes it.
func TestNoChangeIsMissedByWhoReadsOn(t *testing.T) {
	const sales = 1000
	p := NewSales()
	state, d := sequencer.New(), new(sequencer.Decisions)
	decided := make(chan struct{})
	go func() {
		defer close(decided)
		for n := range sales { // one batch makes a sale, and changes the one that is first
			spec := concert()
			spec.ID = fmt.Sprintf("sale-%d", n)
			b := sequencer.Batch{Time: int64(n + 1), Commands: []sequencer.Command{
				{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)},
				{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: fmt.Appendf(nil, "user-%d", n)},
			}}
			state.Apply(&b, d)
			p.Update(state)
		}
	}()
	shown := make([]sequencer.SaleView, sales)
	var seq uint64
	var at int64
	for last := false; ; {
		for _, v := range p.After(seq, at) {
			shown[v.Number-1], seq, at = v, v.AsOfSeq, v.AsOfTime
		}
		if last {
			break
		}
		select {
		case <-decided:
			last = true
		default:
		}
	}
	for i := range shown {
		now, _ := state.Sale(uint16(i + 1))
		now.AsOfSeq, now.AsOfTime, now.AsOf = shown[i].AsOfSeq, shown[i].AsOfTime, shown[i].AsOf
		if shown[i] != now {
			t.Fatalf("sale %d is shown as %+v, it is %+v", i+1, shown[i], now)
		}
	}
}

// Who waits for a decision is told when it was applied, not before and not later; who
// need not wait is told at once.
func TestWaitApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewSales()
		p.Applied(5, sequencer.Position{Birth: 1, Height: 3})
		if at := p.Position(); at != (sequencer.Position{Birth: 1, Height: 3}) {
			t.Errorf("applied up to %v", at)
		}
		for _, seq := range []uint64{0, 4, 5} {
			if err := p.Wait(t.Context(), seq); err != nil {
				t.Errorf("for %d: %v", seq, err)
			}
		}
		began := time.Now()
		for i, after := range []time.Duration{1, 2, 3, 4} {
			time.AfterFunc(after*time.Second, func() { p.Applied(uint64(6+i), sequencer.Position{}) })
		}
		if err := p.Wait(t.Context(), 8); err != nil || time.Since(began) != 3*time.Second || p.Seq() != 8 {
			t.Errorf("after %v at %d: %v", time.Since(began), p.Seq(), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.Wait(ctx, 10); !errors.Is(err, sequencer.ErrBehind) || time.Since(began) != 63*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if n := p.waiting.Load(); n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

// A list of few sales is always new; one of many is as old as it may be, and no older.
func TestHowOldAListIs(t *testing.T) {
	for sales, age := range map[int]time.Duration{fewSales: 0, fewSales + 1: allSalesAgeMax} {
		synctest.Test(t, func(t *testing.T) {
			state, p := sequencer.New(), NewSales()
			decide := func(c sequencer.Command) {
				var d sequencer.Decisions
				state.Apply(&sequencer.Batch{Time: state.Now() + 1, Commands: []sequencer.Command{c}}, &d)
				p.Update(state)
			}
			for n := range sales {
				spec := concert()
				spec.ID = fmt.Sprintf("sale-%d", n)
				decide(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
			}
			held := func() (byAll, byID uint32) {
				one, known := p.ByID("sale-1")
				if !known {
					t.Fatal("a sale is not known")
				}
				return p.All()[1].Held, one.Held
			}
			if all, one := held(); all != 0 || one != 0 || len(p.All()) != sales {
				t.Fatalf("%d and %d are held of nothing", all, one)
			}
			decide(sequencer.Command{Kind: sequencer.KindBuy, Sale: 2, Quantity: 1, User: []byte("ann")})
			if age > 0 {
				time.Sleep(age - 1)
				if all, one := held(); all != 0 || one != 1 {
					t.Errorf("%d sales, before their time: %d and %d", sales, all, one)
				}
				time.Sleep(time.Nanosecond)
			}
			if all, one := held(); all != 1 || one != 1 {
				t.Errorf("%d sales: %d and %d", sales, all, one)
			}

			p.Replace(sequencer.New())
			time.Sleep(age)
			if _, known := p.ByID("sale-1"); known || len(p.All()) > 0 || len(p.After(0, 0)) > 0 {
				t.Error("sales of the state before are shown")
			}
			p.Replace(state)
			time.Sleep(age)
			if all, one := held(); all != 1 || one != 1 || len(p.After(0, 0)) != sales {
				t.Errorf("restored: %d and %d", all, one)
			}
		})
	}
}
