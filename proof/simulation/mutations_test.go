package simulation

import (
	"testing"

	"onsale/sequencer"
)

// mutation is a planted bug, that a promise is broken by.
type mutation struct {
	name     string
	property string // whose checker must find it
	compared bool   // the decisions are compared with package naive too
	wrap     func(id, incarnation int, s *sequencer.State) machine
	quorum   int // replicas that commit an entry; 0 for a majority

	electAnyone bool                                  // whatever a candidate misses
	tell        func(q *request, r *sequencer.Result) // changes an answer on its way

	captureAgain bool // the provider takes the money at each call
	refundAgain  bool // the provider refunds a part at each call
	chargeAgain  bool // the desk charges anew to find out what became of an attempt
	freeFirst    bool // the desk frees the order before the attempt is cancelled
	askAnyone    bool // the desk asks whatever account it has the key of
	callFirst    bool // the desk calls for an attempt in the line before that is committed
}

// mutant is a State with a bug: commands and the time are changed before it decides,
// decisions after.
type mutant struct {
	*sequencer.State
	before func(b *sequencer.Batch) // of a copy that it may change
	after  func(b *sequencer.Batch, d *sequencer.Decisions)
	sale   func(v *sequencer.SaleView)
	order  func(v *sequencer.OrderView) (known bool)
}

func (m *mutant) Apply(b *sequencer.Batch, d *sequencer.Decisions) {
	changed := sequencer.Batch{Time: b.Time, Commands: append([]sequencer.Command(nil), b.Commands...)}
	if m.before != nil {
		m.before(&changed)
	}
	m.State.Apply(&changed, d)
	if m.after != nil {
		m.after(b, d)
	}
}

func (m *mutant) Sale(number uint16) (sequencer.SaleView, bool) {
	v, known := m.State.Sale(number)
	if known && m.sale != nil {
		m.sale(&v)
	}
	return v, known
}

func (m *mutant) Order(seq uint64) (sequencer.OrderView, bool) {
	v, known := m.State.Order(seq)
	if known && m.order != nil {
		known = m.order(&v)
	}
	return v, known
}

// everywhere plants a bug in all replicas alike.
func everywhere(m mutant) func(int, int, *sequencer.State) machine {
	return func(_, _ int, s *sequencer.State) machine {
		mine := m
		mine.State = s
		return &mine
	}
}

// changeSpecs changes what sales are created with.
func changeSpecs(change func(s *sequencer.SaleSpec)) func(b *sequencer.Batch) {
	return func(b *sequencer.Batch) {
		for i := range b.Commands {
			c := &b.Commands[i]
			if spec, err := sequencer.DecodeSaleSpec(c.Body); err == nil {
				change(&spec)
				c.Body = sequencer.AppendSaleSpec(nil, &spec)
			}
		}
	}
}

// longer moves the ends of holds that decisions tell.
func longer(by int64) func(*sequencer.Batch, *sequencer.Decisions) {
	return func(_ *sequencer.Batch, d *sequencer.Decisions) {
		for i := range d.Results {
			if d.Results[i].Deadline != 0 {
				d.Results[i].Deadline += by
			}
		}
		for i := range d.Events {
			if d.Events[i].Deadline != 0 {
				d.Events[i].Deadline += by
			}
		}
	}
}

// swapBuys decides the last buy of a batch before its first, and tells each its own.
func swapBuys() mutant {
	first, last := 0, 0
	return mutant{
		before: func(b *sequencer.Batch) {
			first, last = -1, -1
			for i := range b.Commands {
				if b.Commands[i].Kind == sequencer.KindForward {
					first = -1
					return
				}
				if b.Commands[i].Kind == sequencer.KindBuy {
					if last = i; first < 0 {
						first = i
					}
				}
			}
			if first >= 0 {
				b.Commands[first], b.Commands[last] = b.Commands[last], b.Commands[first]
			}
		},
		after: func(_ *sequencer.Batch, d *sequencer.Decisions) {
			if first >= 0 {
				d.Results[first], d.Results[last] = d.Results[last], d.Results[first]
			}
		},
	}
}

// mutations are the planted bugs: at least one for each promise.
var mutations = []mutation{
	{name: "a ticket more than there is", property: "P1", wrap: everywhere(mutant{
		before: changeSpecs(func(s *sequencer.SaleSpec) { s.Quantity++ }),
		sale:   func(v *sequencer.SaleView) { v.Quantity-- },
	})},
	{name: "the cap is skipped by one", property: "P2", wrap: everywhere(mutant{
		before: changeSpecs(func(s *sequencer.SaleSpec) { s.Cap++ }),
		sale:   func(v *sequencer.SaleView) { v.Cap-- },
	})},
	{name: "a sale takes a buyer in clear who is a pseudonym in it", property: "P2", wrap: everywhere(mutant{
		before: changeSpecs(func(s *sequencer.SaleSpec) { s.PseudonymKey = 0 }),
	})},
	{name: "one replica is enough to commit", property: "P3", quorum: 1},
	{name: "anyone is elected", property: "P3", electAnyone: true},
	{name: "an acknowledged order is forgotten at a restart", property: "P3", wrap: func(_, incarnation int, s *sequencer.State) machine {
		return &mutant{State: s, order: func(v *sequencer.OrderView) bool { return incarnation == 0 || v.Seq%16 != 0 }}
	}},
	{name: "two buys of a batch change places", property: "P4", wrap: func(_, _ int, s *sequencer.State) machine {
		m := swapBuys()
		m.State = s
		return &m
	}},
	{name: "a buyer is told an earlier place", property: "P4", wrap: everywhere(mutant{
		after: func(_ *sequencer.Batch, d *sequencer.Decisions) {
			if n := len(d.Results); n > 0 && d.FirstSeq > 100 {
				d.Results[n-1].Seq -= 50
			}
		},
	})},
	{name: "an answer carries a place before one that was told", property: "P4", tell: func(q *request, r *sequencer.Result) {
		if r.Seq > 200 {
			r.Seq -= 150
		}
	}},
	{name: "a repetition is answered as if it was refused", property: "P5", compared: true, tell: func(q *request, r *sequencer.Result) {
		if r.Replayed {
			r.Code, r.Order = sequencer.CodeSoldOut, 0
		}
	}},
	{name: "a repetition goes under a new key", property: "P5", wrap: func(_, _ int, s *sequencer.State) machine {
		times := map[sequencer.KeyDigest]byte{}
		return &mutant{State: s, before: func(b *sequencer.Batch) {
			for i := range b.Commands {
				if c := &b.Commands[i]; c.Key != (sequencer.KeyDigest{}) {
					times[c.Key]++
					c.Key[0] += times[c.Key] - 1
				}
			}
		}}
	}},
	{name: "a front-end's batch is executed each time that it comes", property: "P5", wrap: everywhere(mutant{
		before: func(b *sequencer.Batch) {
			for i := range b.Commands {
				if c := &b.Commands[i]; c.Kind == sequencer.KindForward {
					*c = sequencer.Command{Kind: sequencer.KindSaleExtend} // a bad request that announces nothing
				}
			}
		},
		after: func(b *sequencer.Batch, d *sequencer.Decisions) {
			for i := range b.Commands {
				if b.Commands[i].Kind == sequencer.KindForward {
					d.Results[i] = sequencer.Result{Seq: d.Results[i].Seq, Kind: sequencer.KindForward}
				}
			}
		},
	})},
	{name: "the provider captures at each call", property: "P6", captureAgain: true, compared: true},
	{name: "a part is refunded at each call", property: "P6", refundAgain: true, compared: true},
	{name: "an attempt is charged anew to find out", property: "P6", chargeAgain: true, compared: true},
	{name: "the order is free before the attempt is cancelled", property: "P6", freeFirst: true, compared: true},
	{name: "another account is asked what became of a charge", property: "P6", askAnyone: true, compared: true},
	{name: "another account is charged under before it is accepted", property: "rules", compared: true, wrap: everywhere(mutant{
		before: func(b *sequencer.Batch) {
			for i := range b.Commands {
				if c := &b.Commands[i]; c.Kind == sequencer.KindPayBegin && len(c.Reference) > 0 {
					c.Reference = []byte(accountNames[0])
				}
			}
		},
	})},
	{name: "an attempt in the line is called before that is committed", property: "P6", callFirst: true, compared: true},
	{name: "holds end a millisecond early", property: "P7", wrap: everywhere(mutant{
		before: changeSpecs(func(s *sequencer.SaleSpec) { s.Hold -= min(s.Hold-1, millisecond/2) }),
		after:  longer(millisecond / 2),
	})},
	{name: "holds end a millisecond late", property: "P7", wrap: everywhere(mutant{
		before: changeSpecs(func(s *sequencer.SaleSpec) { s.Hold += millisecond }),
		after:  longer(-millisecond),
	})},
	{name: "an outage gives nothing back", property: "P7", wrap: everywhere(mutant{
		before: func(b *sequencer.Batch) {
			for i := range b.Commands {
				if b.Commands[i].Kind == sequencer.KindOutage {
					b.Commands[i].Count = 0
				}
			}
		},
	})},
	{name: "one replica's clock decides", property: "P8", wrap: func(id, _ int, s *sequencer.State) machine {
		return &mutant{State: s, before: func(b *sequencer.Batch) { b.Time += int64(id) * millisecond },
			after: func(b *sequencer.Batch, d *sequencer.Decisions) { d.Time -= int64(id) * millisecond }}
	}},
	{name: "a restore keeps an old state", property: "P8", wrap: func(_, incarnation int, s *sequencer.State) machine {
		if incarnation > 0 {
			return sequencer.New()
		}
		return s
	}},
	{name: "what is decided again is decided otherwise", property: "P9", wrap: func(_, incarnation int, s *sequencer.State) machine {
		return &mutant{State: s, after: func(_ *sequencer.Batch, d *sequencer.Decisions) {
			for i := range d.Results {
				if incarnation > 0 && d.Results[i].Code == sequencer.CodeSoldOut {
					d.Results[i].Code = sequencer.CodeClosed
				}
			}
		}}
	}},
	{name: "a paid order is shown as expired", property: "P9", wrap: everywhere(mutant{
		order: func(v *sequencer.OrderView) bool {
			if v.State == sequencer.StatePaid && v.Seq%4 == 0 {
				v.State = sequencer.StateExpired
			}
			return true
		},
	})},
	{name: "some are left, and who wants more is told that none is", property: "rules", compared: true, wrap: everywhere(mutant{
		after: func(_ *sequencer.Batch, d *sequencer.Decisions) {
			for i := range d.Results {
				if r := &d.Results[i]; r.Code == sequencer.CodeNotEnough {
					r.Code, r.Quantity = sequencer.CodeSoldOut, 0
				}
			}
		},
	})},
	{name: "a refusal for another reason", property: "rules", compared: true, wrap: everywhere(mutant{
		after: func(_ *sequencer.Batch, d *sequencer.Decisions) {
			for i := range d.Results {
				if d.Results[i].Code == sequencer.CodeCoolingDown {
					d.Results[i].Code = sequencer.CodeOrderLimit
				}
			}
		},
	})},
}

// mutationSeeds bounds the seeds in which a planted bug must show.
const mutationSeeds = 40

// Each checker finds the bug that is planted for it, by name.
func TestPlanted(t *testing.T) {
	for i := range mutations {
		bug := &mutations[i]
		t.Run(bug.property+" "+bug.name, func(t *testing.T) {
			found := map[string]int{}
			for seed := uint64(1); seed <= mutationSeeds; seed++ {
				g, err := run(seed, 3000, bug)
				property := propertyOfError(err)
				found[property]++
				if property == bug.property {
					t.Logf("seed %d, after %d commands: %v", seed, g.world.seen.Commands, err)
					return
				}
			}
			t.Errorf("not found by %s in %d seeds; found by %v", bug.property, mutationSeeds, found)
		})
	}
}
