package sequencer

import (
	"fmt"
	"hash/maphash"
	"slices"
)

// lookAhead is how many commands' users are looked for at once before they are
// decided one by one: memory answers many independent reads in the time of one.
const lookAhead = 64

// Apply decides a batch: first what time has made due, then every command in
// order. It fills d (reusing its slices) and allocates nothing but what the
// state grows by. It panics when an invariant is broken.
func (s *State) Apply(b *Batch, d *Decisions) {
	s.begin(b, d)
	s.advance()
	for start := 0; start < len(b.Commands); start += lookAhead {
		chunk := b.Commands[start:min(start+lookAhead, len(b.Commands))]
		s.lookUpAhead(chunk)
		for i := range chunk {
			s.before = uint32(start + i + 1)
			s.seq++
			result := &d.Results[start+i]
			*result = Result{Seq: s.seq, Kind: chunk[i].Kind}
			s.decide(&chunk[i], s.ahead[i], result)
		}
	}
	s.end()
}

func (s *State) begin(b *Batch, d *Decisions) {
	for _, number := range s.touched {
		s.sales[number-1].touched = false
	}
	s.touched = s.touched[:0]
	s.now = max(s.now, b.Time)
	s.height++
	s.before, s.out = 0, d
	s.forwarded, s.notTaken = 0, 0
	if s.born = s.bornBy(b); s.born != nil {
		s.seq = s.born.FirstSeq - 1
	}
	d.Time, d.FirstSeq = s.now, s.seq+1
	d.Results = slices.Grow(d.Results[:0], len(b.Commands))[:len(b.Commands)]
	d.Events = d.Events[:0]
}

// end brings the hash of the touched sales up to date and checks their counts.
func (s *State) end() {
	s.out = nil
	s.dropStale()
	if s.nextStart != 0 && s.nextStart <= s.now {
		s.findNextStart()
	}
	for _, number := range s.touched {
		sale := s.sales[number-1]
		hash := sale.fingerprint(sale.knownSpecFingerprint())
		s.salesHash += hash - sale.hash
		sale.hash = hash
	}
}

// lookUpAhead hashes the users of buys and touches the memory that deciding
// them will need, all slots first, then all orders.
func (s *State) lookUpAhead(chunk []Command) {
	for i := range chunk {
		if chunk[i].Kind == KindBuy {
			s.ahead[i] = maphash.Bytes(s.hashSeed, chunk[i].User)
		}
	}
	s.touchSlots(len(chunk))
}

// touchSlots reads where the search for each of the first n users in ahead will begin.
// The loop is short, so the processor has many of its reads under way at a time.
func (s *State) touchSlots(n int) {
	var touched uint64
	for _, hash := range s.ahead[:n] {
		touched += s.users.peek(hash)
	}
	s.touchedSlots = touched // keeps the reads from being optimised away
}

// advance lets everything happen that is due at now.
func (s *State) advance() {
	for now := s.holdNow(); !s.timers.empty() && s.timers.first().due <= now; {
		entry := s.timers.pop()
		due, running := s.timerOf(entry.order, s.orders.at(entry.order))
		if !running || due != entry.due {
			continue
		}
		if s.orders.at(entry.order).state == StatePaying {
			s.overdue(entry.order)
		} else {
			s.expire(entry.order)
		}
	}
}

func (s *State) decide(c *Command, hash uint64, r *Result) {
	if s.forwarded|s.notTaken != 0 && s.inForward(c, r) {
		return
	}
	if !validActor(c.Actor) {
		r.Code = CodeBadRequest
		return
	}
	switch c.Kind {
	case KindBuy:
		s.buy(c, hash, r)
	case KindCancel, KindWithdraw:
		s.cancel(c, r)
	case KindPayBegin:
		s.payBegin(c, r)
	case KindPayCalled:
		s.payCalled(c, r)
	case KindPayResult:
		s.payResult(c, r)
	case KindPayVoided:
		s.payVoided(c, r)
	case KindPayBounced:
		s.payBounced(c, r)
	case KindAcknowledge:
		s.acknowledge(c, r)
	case KindPayDisputed:
		s.payDisputed(c, r)
	case KindAccept:
		s.acceptAccount(c, r)
	case KindSettle:
		s.settleByHand(c, r)
	case KindPayCaptured:
		s.payCaptured(c, r)
	case KindRefund:
		s.refund(c, r)
	case KindSaleCreate:
		s.saleCreate(c, r)
	case KindSessionOpen:
		s.sessionOpen(r)
	case KindForward:
		s.forward(c, r)
	case KindBirth:
		s.birth(c, r)
	case KindLevel:
		s.raise(c, r)
	case KindOutage:
		s.outage(c, r)
	case KindHoldStop:
		s.holdStop(c)
	case KindHoldGo:
		s.holdGo()
	case KindSaleUpdate, KindSalePause, KindSaleResume, KindSaleClose, KindSaleCancel, KindSaleQuantity, KindSaleRelease, KindSaleExtend:
		s.changeSale(c, r)
	default:
		r.Code = CodeBadRequest
	}
}

// event notes a change that no command of its own made.
func (s *State) event(kind EventKind, o *order, deadline int64) {
	s.out.Events = append(s.out.Events, Event{
		Order: o.seq, Deadline: deadline, Before: s.before, Sale: o.sale, Kind: kind, Quantity: o.quantity,
	})
}

// check panics when a sale's counts do not add up. Called after every change.
func (s *sale) check() {
	sum := uint64(s.sold) + uint64(s.held) + uint64(s.withheld) + uint64(s.available)
	if sum != uint64(s.spec.Quantity) {
		panic(fmt.Sprintf("sequencer: sale %q: sold %d + held %d + withheld %d + available %d = %d, but its quantity is %d",
			s.spec.ID, s.sold, s.held, s.withheld, s.available, sum, s.spec.Quantity))
	}
}
