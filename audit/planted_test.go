package audit

import (
	"slices"
	"testing"
	"time"

	"onsale/sequencer"
)

// planted is a bug or a forgery. Its chain is whole, so that only the logic of the
// audit can find it, and must name it by its kind.
type planted struct {
	name string
	kind Kind
	// engine, when set, is what the buggy engine takes a batch for.
	engine func(b sequencer.Batch) sequencer.Batch
	// forge changes what an honest engine decided. It reports whether the story
	// had a place for it.
	forge func(entries []entry) ([]entry, bool)
}

var plantedBugs = []planted{
	{name: "the cap is one too high", kind: KindCap, engine: otherSpec(func(s *sequencer.SaleSpec) { s.Cap++ })},
	{name: "one ticket too many is sold", kind: KindCount, engine: otherSpec(func(s *sequencer.SaleSpec) { s.Quantity++ })},
	{name: "one ticket is never sold", kind: KindFIFO, engine: otherSpec(func(s *sequencer.SaleSpec) { s.Quantity-- })},
	{name: "holds are a second short", kind: KindExpiry, engine: otherSpec(func(s *sequencer.SaleSpec) { s.Hold -= int64(time.Second) })},
	{name: "the waitlist takes one more", kind: KindFIFO, engine: otherSpec(func(s *sequencer.SaleSpec) { s.Waitlist++ })},
	{name: "keys are ignored", kind: KindKey, engine: withoutKeys},
	{name: "the clock of the engine is ahead", kind: KindTime, engine: func(b sequencer.Batch) sequencer.Batch { b.Time += 5; return b }},
	{name: "a block is dropped", kind: KindSequence, forge: dropBlock},
	{name: "two blocks are swapped", kind: KindTime, forge: swapBlocks},
	{name: "two decisions are swapped", kind: KindSequence, forge: swapDecisions},
	{name: "two buyers are swapped", kind: KindStateHash, forge: swapBuyers},
	{name: "a buyer is refused who could be served", kind: KindFIFO, forge: refuse},
	{name: "a refused buyer got an order", kind: KindFIFO, forge: serveRefused},
	{name: "a waiting buyer is skipped", kind: KindFIFO, forge: skipWaiting},
	{name: "a free ticket is kept from who waits", kind: KindFIFO, forge: dropPromotion},
	{name: "a hold ends early", kind: KindExpiry, forge: moveExpiry(-1)},
	{name: "a hold ends late", kind: KindExpiry, forge: moveExpiry(+1)},
	{name: "a hold never ends", kind: KindExpiry, forge: dropExpiry},
	{name: "an expired hold is told nobody", kind: KindEvent, forge: dropExpiry},
	{name: "a paid order is shown expired", kind: KindOrder, forge: unpay},
	{name: "an order is made under another seq", kind: KindSequence, forge: renameOrder},
	{name: "another state follows", kind: KindStateHash, forge: func(e []entry) ([]entry, bool) { e[9].stateHash++; return e, true }},
}

func TestPlantedBugsAreNamed(t *testing.T) {
	for _, bug := range plantedBugs {
		t.Run(bug.name, func(t *testing.T) {
			possibleIn, named := 0, 0
			for seed := range uint64(3) {
				engine, batches, possible := honest, story(seed, 250), true
				if bug.engine != nil {
					engine = bug.engine
				}
				entries := decided(batches, engine)
				if bug.forge != nil {
					entries, possible = bug.forge(entries)
				}
				if !possible {
					continue
				}
				r := audited(entries, Options{})
				if r.Verdict != VerdictFindings {
					t.Fatalf("seed %d: %s", seed, r)
				}
				possibleIn++
				if r.FindingKinds[bug.kind] > 0 {
					named++
				}
			}
			// A buggy engine need not do its worst in every story.
			if named == 0 || bug.forge != nil && named < possibleIn {
				t.Fatalf("%s is named in %d of the %d stories that have a place for it", bug.kind, named, possibleIn)
			}
		})
	}
}

// otherSpec makes an engine that sells by another spec than the journal says.
func otherSpec(change func(s *sequencer.SaleSpec)) func(sequencer.Batch) sequencer.Batch {
	return func(b sequencer.Batch) sequencer.Batch {
		b.Commands = slices.Clone(b.Commands)
		for i := range b.Commands {
			if b.Commands[i].Kind == sequencer.KindSaleCreate {
				spec, _ := sequencer.DecodeSaleSpec(b.Commands[i].Body)
				change(&spec)
				b.Commands[i].Body = sequencer.AppendSaleSpec(nil, &spec)
			}
		}
		return b
	}
}

func withoutKeys(b sequencer.Batch) sequencer.Batch {
	b.Commands = slices.Clone(b.Commands)
	for i := range b.Commands {
		b.Commands[i].Key = sequencer.KeyDigest{}
	}
	return b
}

func dropBlock(e []entry) ([]entry, bool) {
	for i := 100; i < len(e); i++ {
		if len(e[i].batch.Commands) > 0 {
			return slices.Delete(e, i, i+1), true
		}
	}
	return e, false
}

func swapBlocks(e []entry) ([]entry, bool) {
	for i := 100; i+1 < len(e); i++ {
		if e[i].batch.Time != e[i+1].batch.Time {
			e[i], e[i+1] = e[i+1], e[i]
			return e, true
		}
	}
	return e, false
}

// firstResult returns where a decision is that test accepts.
func firstResult(e []entry, test func(c *sequencer.Command, r *sequencer.Result) bool) (*sequencer.Command, *sequencer.Result, *entry) {
	for i := range e {
		for k := range e[i].decisions.Results {
			if c, r := &e[i].batch.Commands[k], &e[i].decisions.Results[k]; test(c, r) {
				return c, r, &e[i]
			}
		}
	}
	return nil, nil, nil
}

func isBuy(r *sequencer.Result, code sequencer.Code, state sequencer.OrderState) bool {
	return r.Kind == sequencer.KindBuy && r.Code == code && r.State == state && !r.Replayed
}

func swapDecisions(e []entry) ([]entry, bool) {
	for i := range e {
		for k := 0; k+1 < len(e[i].decisions.Results); k++ {
			// A plain refusal has no seq of its own in the journal.
			if r := e[i].decisions.Results; r[k].Order != 0 && r[k+1].Order != 0 && r[k].Kind == r[k+1].Kind {
				r[k], r[k+1] = r[k+1], r[k]
				return e, true
			}
		}
	}
	return e, false
}

// swapBuyers lets the second of two buyers go first: the FIFO swap inside a batch.
func swapBuyers(e []entry) ([]entry, bool) {
	for i := range e {
		for k := 0; k+1 < len(e[i].decisions.Results); k++ {
			r, c := e[i].decisions.Results, e[i].batch.Commands
			if isBuy(&r[k], sequencer.CodeOK, sequencer.StateReserved) && isBuy(&r[k+1], sequencer.CodeSoldOut, sequencer.StateNone) && c[k].Sale == c[k+1].Sale {
				c[k].User, c[k+1].User = c[k+1].User, c[k].User
				c[k].Quantity, c[k+1].Quantity = c[k+1].Quantity, c[k].Quantity
				c[k].Min, c[k+1].Min = c[k+1].Min, c[k].Min
				return e, true
			}
		}
	}
	return e, false
}

func refuse(e []entry) ([]entry, bool) {
	_, r, _ := firstResult(e, func(_ *sequencer.Command, r *sequencer.Result) bool {
		return isBuy(r, sequencer.CodeOK, sequencer.StateReserved)
	})
	if r != nil {
		*r = sequencer.Result{Seq: r.Seq, Kind: r.Kind, Code: sequencer.CodeSoldOut}
	}
	return e, r != nil
}

// serveRefused gives a later buyer one of the tickets for which an earlier one
// was refused.
func serveRefused(e []entry) ([]entry, bool) {
	c, r, at := firstResult(e, func(c *sequencer.Command, r *sequencer.Result) bool {
		return isBuy(r, sequencer.CodeSoldOut, sequencer.StateNone) && c.Sale == 1
	})
	if r == nil {
		return e, false
	}
	*r = sequencer.Result{
		Seq: r.Seq, Kind: r.Kind, Order: r.Seq, Sale: c.Sale, State: sequencer.StateReserved,
		Quantity: c.Quantity, Deadline: at.decisions.Time + int64(3*time.Second),
	}
	return e, true
}

// skipWaiting promotes the second of two who wait.
func skipWaiting(e []entry) ([]entry, bool) {
	waiting := map[uint16][]uint64{}
	for i := range e {
		for k := range e[i].decisions.Events {
			event := &e[i].decisions.Events[k]
			if queue := waiting[event.Sale]; event.Kind == sequencer.EventPromoted && len(queue) > 1 && queue[0] == event.Order {
				event.Order = queue[1]
				return e, true
			}
			waiting[event.Sale] = slices.DeleteFunc(waiting[event.Sale], func(seq uint64) bool { return seq == event.Order })
		}
		for _, r := range e[i].decisions.Results {
			waiting[r.Sale] = slices.DeleteFunc(waiting[r.Sale], func(seq uint64) bool { return seq == r.Order })
			if r.State == sequencer.StateWaitlisted {
				waiting[r.Sale] = append(waiting[r.Sale], r.Order)
			}
		}
	}
	return e, false
}

// firstExpiry returns the block in which a hold ends whose tickets nobody gets
// in the same batch, with blocks of other times around it.
func firstExpiry(e []entry) int {
	return slices.IndexFunc(e, func(one entry) bool {
		return len(one.decisions.Events) > 0 && one.decisions.Events[0].Kind == sequencer.EventExpired && one.decisions.Events[0].Before == 0
	})
}

func moveExpiry(by int) func(e []entry) ([]entry, bool) {
	return func(e []entry) ([]entry, bool) {
		i := firstExpiry(e)
		if i < 0 || i+1 >= len(e) || e[i+1].decisions.Time == e[i].decisions.Time {
			return e, false
		}
		event := e[i].decisions.Events[0]
		e[i].decisions.Events = slices.Delete(e[i].decisions.Events, 0, 1)
		e[i+by].decisions.Events = slices.Insert(e[i+by].decisions.Events, 0, event)
		return e, true
	}
}

func dropExpiry(e []entry) ([]entry, bool) {
	i := firstExpiry(e)
	if i < 0 {
		return e, false
	}
	e[i].decisions.Events = slices.Delete(e[i].decisions.Events, 0, 1)
	return e, true
}

func dropPromotion(e []entry) ([]entry, bool) {
	for i := range e {
		events := e[i].decisions.Events
		for k := range events {
			if events[k].Kind == sequencer.EventPromoted {
				e[i].decisions.Events = slices.Delete(events, k, k+1)
				return e, true
			}
		}
	}
	return e, false
}

func unpay(e []entry) ([]entry, bool) {
	_, r, _ := firstResult(e, func(_ *sequencer.Command, r *sequencer.Result) bool {
		return r.Kind == sequencer.KindPayResult && r.Code == sequencer.CodeOK && r.State == sequencer.StatePaid
	})
	if r != nil {
		r.State = sequencer.StateExpired
	}
	return e, r != nil
}

func renameOrder(e []entry) ([]entry, bool) {
	_, r, _ := firstResult(e, func(_ *sequencer.Command, r *sequencer.Result) bool {
		return isBuy(r, sequencer.CodeOK, sequencer.StateReserved)
	})
	if r != nil {
		r.Order += 1000
	}
	return e, r != nil
}
