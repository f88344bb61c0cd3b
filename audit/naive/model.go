package naive

import (
	"unicode/utf8"

	"onsale/sequencer"
)

// Model is the state of the second implementation. It belongs to one goroutine.
type Model struct {
	now    int64
	seq    uint64  // of the newest command
	height uint64  // batches so far
	sales  []*sale // by number, from 1
	named  map[string]*sale
	orders []*order // all that were ever made, by seq
	byUser map[string][]*order
	recent map[string]declines // by user
	timers timers

	sessions map[uint64]session // of front-ends, by id
	births   []sequencer.Birth
	account  string          // for new charges
	accounts map[string]bool // that ever were
	raised   int             // how often the level was raised
	holds    HoldClock
	revoked  []sequencer.Revocation // of all sales

	// before and events belong to the batch that is being decided.
	before uint32
	events []sequencer.Event
}

// notForwarded are the kinds that a front-end's batch cannot have.
var notForwarded = map[sequencer.Kind]bool{
	sequencer.KindForward: true, sequencer.KindSessionOpen: true, sequencer.KindLevel: true,
	sequencer.KindOutage: true, sequencer.KindHoldStop: true, sequencer.KindHoldGo: true,
}

// New returns a model with no sales.
func New() *Model {
	return &Model{named: map[string]*sale{}, byUser: map[string][]*order{}, recent: map[string]declines{}, sessions: map[uint64]session{}, accounts: map[string]bool{}}
}

// Apply decides a batch. It keeps nothing of b, and the caller owns the result.
func (m *Model) Apply(b *sequencer.Batch) *sequencer.Decisions {
	m.before, m.events = 0, nil
	m.pass(b.Time)
	m.height++
	m.fireTimers()
	born := m.beBorn(b)
	d := &sequencer.Decisions{Time: m.now, FirstSeq: m.seq + 1, Results: make([]sequencer.Result, len(b.Commands))}
	var executed, refused uint32 // commands that are left of a forwarded batch
	for i := range b.Commands {
		m.seq++
		m.before = uint32(i) + 1
		c, r := &b.Commands[i], sequencer.Result{Seq: m.seq, Kind: b.Commands[i].Kind}
		nested := executed > 0 && notForwarded[c.Kind]
		switch {
		case refused > 0:
			refused--
			r.Code = sequencer.CodeNotTaken
		case nested:
			executed--
			r.Code = sequencer.CodeBadRequest
		case executed > 0:
			executed--
			m.decide(c, &r)
		case c.Kind == sequencer.KindBirth:
			r.Code = born
		case c.Kind == sequencer.KindOutage:
			r.Code = m.outage(c, len(b.Commands) == 1)
		case c.Kind == sequencer.KindForward:
			executed, refused = m.announce(c, &r)
		case c.Kind == sequencer.KindSessionOpen:
			m.forget()
			m.sessions[m.seq] = session{}
		default:
			m.decide(c, &r)
		}
		d.Results[i] = r
	}
	d.Events = m.events
	return d
}

func (m *Model) decide(c *sequencer.Command, r *sequencer.Result) {
	if len(c.Actor) > sequencer.UserBytesMax || !utf8.Valid(c.Actor) {
		r.Code = sequencer.CodeBadRequest
		return
	}
	switch c.Kind {
	case sequencer.KindBuy:
		m.buy(c, r)
	case sequencer.KindCancel, sequencer.KindWithdraw:
		m.cancel(c, r)
	case sequencer.KindPayBegin:
		m.payBegin(c, r)
	case sequencer.KindPayCalled:
		m.payCalled(c, r)
	case sequencer.KindPayResult:
		m.payResult(c, r)
	case sequencer.KindPayVoided:
		m.payVoided(c, r)
	case sequencer.KindPayBounced:
		m.payBounced(c, r)
	case sequencer.KindAcknowledge:
		m.acknowledge(c, r)
	case sequencer.KindPayDisputed:
		m.payDisputed(c, r)
	case sequencer.KindAccept:
		m.accept(c, r)
	case sequencer.KindSettle:
		m.byHand(c, r)
	case sequencer.KindPayCaptured:
		m.payCaptured(c, r)
	case sequencer.KindRefund:
		m.refund(c, r)
	case sequencer.KindSaleCreate:
		m.saleCreate(c, r)
	case sequencer.KindHoldStop:
		m.holds.Stop(m.now, m.longest(), c.Count)
	case sequencer.KindHoldGo:
		m.holds.Go()
	case sequencer.KindLevel:
		if next := m.raised + 2; c.Amount == int64(next) && next <= sequencer.LevelBound {
			m.raised++
		} else {
			r.Code = sequencer.CodeBadRequest
		}
	case sequencer.KindSaleUpdate, sequencer.KindSalePause, sequencer.KindSaleResume, sequencer.KindSaleClose,
		sequencer.KindSaleCancel, sequencer.KindSaleQuantity, sequencer.KindSaleRelease, sequencer.KindSaleExtend:
		m.saleCommand(c, r)
	default:
		r.Code = sequencer.CodeBadRequest
	}
}

// tell adds an event to the batch's.
func (m *Model) tell(kind sequencer.EventKind, o *order, quantity uint8, deadline int64) {
	m.events = append(m.events, sequencer.Event{
		Order: o.seq, Deadline: deadline, Before: m.before, Sale: o.sale.number, Kind: kind, Quantity: quantity,
	})
}
