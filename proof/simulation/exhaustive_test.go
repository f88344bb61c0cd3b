package simulation

import (
	"bytes"
	"flag"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/audit/naive"
	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

var exhaustiveDepth = flag.Int("depth", depthByDefault, "how many commands the exhaustive interleavings are long")

// The bounds of the exhaustive interleavings.
const (
	depthInShortRun = 4

	smallStock = 2
	smallUsers = 3
	smallKeys  = 2

	// smallLineSeconds is how long an attempt may stand in the line: beyond every hold and grace.
	smallLineSeconds = 1
)

// move is a command of the exhaustive interleavings. Orders are named by which order
// of the run they are.
type move struct {
	kind      sequencer.Kind // 0: time goes on to what is due next
	user, key uint8
	quantity  uint8 // tickets of a buy or a part; 1 for what the provider says of a part
	order     uint8
	outcome   sequencer.PayOutcome
	lined     bool // of a pay_begin: the attempt stands in the line first
}

// small is a run of a few moves on the State and on the model.
type small struct {
	state  *sequencer.State
	model  *naive.Model
	d      sequencer.Decisions
	orders []uint64
	lines  [smallUsers * smallKeys]int64 // until when an order's newest attempt may stand in the line
	keys   [smallUsers][smallKeys]use
	log    []sequencer.Batch
}

// use is what a user's key is bound to; zero when it is not.
type use struct {
	quantity uint8
	order    uint8 // which one of the run, from 1
}

func newSmall(skipUnfit bool) *small {
	s := &small{state: sequencer.New(), model: naive.New()}
	spec := sequencer.SaleSpec{ID: "small", Item: "ticket", Quantity: smallStock, Cap: 2, Waitlist: 2, Price: 1, Currency: "EUR", Hold: 10, Grace: 5, SkipUnfit: skipUnfit}
	s.decide(dawn, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	return s
}

// decide decides one command, or none, on both sides.
func (s *small) decide(time int64, commands ...sequencer.Command) *sequencer.Decisions {
	b := sequencer.Batch{Time: time, Commands: commands}
	s.log = append(s.log, b)
	s.state.Apply(&b, &s.d)
	return s.model.Apply(&b)
}

// play does a move and returns what the model decides.
func (s *small) play(m move) *sequencer.Decisions {
	if m.kind == 0 {
		due, _ := s.model.NextDue()
		return s.decide(due)
	}
	c := sequencer.Command{Kind: m.kind, Sale: 1, Quantity: m.quantity, Outcome: m.outcome}
	user := []byte{'a' + m.user}
	if m.kind == sequencer.KindBuy {
		c.User, c.Key = user, keyOf(m.user, m.key)
		want := s.decide(s.model.Now(), c)
		s.learn(m, &want.Results[0])
		return want
	}
	v, _ := s.model.Order(s.orders[m.order])
	c.Sale, c.Order, c.Attempt = 0, v.Seq, v.Attempts
	switch m.kind {
	case sequencer.KindCancel, sequencer.KindPayBegin:
		c.User, c.Attempt = []byte(v.User), 0
		c.Amount, c.Reference = int64(v.Quantity), scenario.AccountOf(int64(v.Quantity))
		if m.lined {
			c.Count = smallLineSeconds
			s.lines[m.order] = s.model.Now() + smallLineSeconds*int64(time.Second)
		}
	case sequencer.KindPayCaptured:
		c.Amount = int64(v.Quantity + m.quantity)
		c.Quantity = 0
	case sequencer.KindPayVoided:
		c.Part, c.Quantity = m.quantity, 0
	case sequencer.KindRefund:
		c.Attempt = 0
	case sequencer.KindPayCalled:
		c.Quantity = 0
	}
	if m.kind == sequencer.KindCancel {
		c.Amount, c.Reference = 0, nil
	}
	return s.decide(s.model.Now(), c)
}

// learn remembers what a key stands for, and the orders.
func (s *small) learn(m move, r *sequencer.Result) {
	if r.Replayed || r.Order == 0 {
		return // only an order binds its key: a refused one is as good as new
	}
	s.orders = append(s.orders, r.Order)
	s.keys[m.user][m.key] = use{quantity: m.quantity, order: uint8(len(s.orders))}
}

func keyOf(user, key uint8) sequencer.KeyDigest { return sequencer.KeyDigest{1 + user, 1 + key} }

// smallNames names the keys for a scenario.
func smallNames() map[sequencer.KeyDigest]string {
	names := map[sequencer.KeyDigest]string{}
	for user := range uint8(smallUsers) {
		for key := range uint8(smallKeys) {
			names[keyOf(user, key)] = fmt.Sprintf("k%d", 1+key)
		}
	}
	return names
}

// moves returns what can be done next. Users and keys are used in turn, because a run
// with other names for them is the same run.
func (s *small) moves() (all []move) {
	if _, any := s.model.NextDue(); any {
		all = append(all, move{})
	}
	for user := range uint8(smallUsers) {
		for key := range uint8(smallKeys) {
			if key > 0 && s.keys[user][key-1] == (use{}) {
				break
			}
			for quantity := uint8(1); quantity <= 2; quantity++ {
				all = append(all, move{kind: sequencer.KindBuy, user: user, key: key, quantity: quantity})
			}
		}
		if s.keys[user][0] == (use{}) {
			break // the next user comes after this one
		}
	}
	for order := range s.orders {
		m := move{order: uint8(order)}
		all = append(all, s.partMoves(m)...)
		all = append(all, s.lineMoves(m)...)
		for _, kind := range []sequencer.Kind{sequencer.KindCancel, sequencer.KindPayBegin, sequencer.KindRefund, sequencer.KindPayCaptured} {
			m.kind = kind
			all = append(all, m)
		}
		m.kind = sequencer.KindPayVoided
		for _, outcome := range []sequencer.PayOutcome{sequencer.PayCancelled, sequencer.PayRefunded} {
			m.outcome = outcome
			all = append(all, m)
		}
		m.kind = sequencer.KindPayResult
		for _, outcome := range []sequencer.PayOutcome{sequencer.PayAccepted, sequencer.PayRejected, sequencer.PayUnknown, sequencer.PayCancelled} {
			m.outcome = outcome
			all = append(all, m)
		}
	}
	return all
}

// lineMoves returns what can be done next about an order's place in the line: it begins to stand
// there when it can be paid, and is called when it was begun, whether it stands there or not.
func (s *small) lineMoves(m move) (all []move) {
	v, _ := s.model.Order(s.orders[m.order])
	if v.State == sequencer.StateReserved {
		m.kind, m.lined = sequencer.KindPayBegin, true
		all = append(all, m)
	}
	if v.Attempts > 0 {
		m.kind, m.lined = sequencer.KindPayCalled, false
		all = append(all, m)
	}
	return all
}

// partMoves returns what can be done next about a part of an order: one of two tickets.
func (s *small) partMoves(m move) (all []move) {
	m.quantity = 1
	v, _ := s.model.Order(s.orders[m.order])
	kinds := []sequencer.Kind{sequencer.KindPayCaptured, sequencer.KindPayVoided} // of more than is left; of the part
	if v.Quantity == 2 {
		kinds = []sequencer.Kind{sequencer.KindCancel, sequencer.KindRefund}
	} else if len(v.Parts) == 0 {
		return nil
	}
	for _, kind := range kinds {
		m.kind, m.outcome = kind, 0
		if kind == sequencer.KindPayVoided {
			m.outcome = sequencer.PayRefunded
		}
		all = append(all, m)
	}
	return all
}

// fingerprint is what decides over all that can follow: seqs by their rank and times
// from now on, so that runs which differ in nothing else are one. It is compared whole.
type fingerprint struct {
	order                [smallUsers * smallKeys]orderPrint // a key makes one at most
	orders               uint8
	sold, held, withheld uint32
	keys                 [smallUsers][smallKeys]use
}

type orderPrint struct {
	left, lineLeft                      int64 // of its hold, and of its stay in the line
	position                            uint32
	user, quantity, requested, attempts uint8
	voidsDue, voided                    uint32
	state                               sequencer.OrderState
	reason                              sequencer.PayReason
	captureDue, captured, overdue       bool
	part                                sequencer.Part // there can be one
}

func (s *small) fingerprint() (f fingerprint) {
	f.orders = uint8(len(s.orders))
	for i, seq := range s.orders {
		v, _ := s.state.Order(seq)
		left := int64(0)
		if v.State.Holds() {
			left = v.Deadline - s.state.Now()
		}
		f.order[i] = orderPrint{
			user: v.User[0], state: v.State, quantity: v.Quantity, requested: v.Requested, attempts: v.Attempts, voidsDue: v.VoidsDue, voided: v.Voided,
			captureDue: v.CaptureDue, captured: v.Captured, reason: v.Reason, overdue: v.Overdue, position: v.Position, left: left,
		}
		if v.Lined {
			f.order[i].lineLeft = s.lines[i] - s.state.Now()
		}
		if len(v.Parts) > 0 {
			f.order[i].part = v.Parts[0]
		}
	}
	sale, _ := s.state.Sale(1)
	f.sold, f.held, f.withheld, f.keys = sale.Sold, sale.Held, sale.Withheld, s.keys
	return f
}

// check compares both sides and what P1, P2, P5, P7 and P8 ask of the state.
func (s *small) check(want *sequencer.Decisions) error {
	if err := scenario.Compare(&s.d, want); err != nil {
		return err
	}
	v, _ := s.state.Sale(1)
	if model, _ := s.model.Sale(1); v != model {
		return fmt.Errorf("sale:\n  got  %+v\n  want %+v", v, model)
	}
	if v.Sold+v.Held+v.Withheld+v.Available != smallStock {
		return violated("P1", "%d sold + %d held + %d withheld + %d available, of %d", v.Sold, v.Held, v.Withheld, v.Available, smallStock)
	}
	tickets := map[string]int{}
	for _, seq := range s.orders {
		got, _ := s.state.Order(seq)
		if model, _ := s.model.Order(seq); !reflect.DeepEqual(got, model) {
			return fmt.Errorf("order:\n  got  %+v\n  want %+v", got, model)
		}
		if got.State.Live() {
			tickets[got.User] += int(got.Quantity)
		}
		if tickets[got.User] > int(v.Cap) {
			return violated("P2", "user %s has %d tickets", got.User, tickets[got.User])
		}
		if got.State == sequencer.StateReserved && got.Deadline <= s.state.Now() {
			return violated("P7", "order %d is reserved after its hold", seq)
		}
	}
	return nil
}

// checkRestored is P8: the state is the same when it was read from its snapshot.
func (s *small) checkRestored() error {
	var written bytes.Buffer
	if _, err := s.state.Snapshot().WriteTo(&written); err != nil {
		return err
	}
	restored, err := sequencer.ReadSnapshot(&written)
	if err == nil && restored.Hash() != s.state.Hash() {
		err = violated("P8", "restored with hash %016x, it was %016x", restored.Hash(), s.state.Hash())
	}
	return err
}

// Every interleaving of a few commands on a tiny sale is decided alike by State and
// by the model, and keeps the promises. Runs that reach the same state are one.
func TestExhaustive(t *testing.T) {
	for _, skipUnfit := range []bool{false, true} {
		t.Run(fmt.Sprintf("skip unfit %t", skipUnfit), func(t *testing.T) { exhaust(t, skipUnfit) })
	}
}

// search is a breadth-first walk over all runs.
type search struct {
	skipUnfit   bool
	mu          sync.Mutex
	known       map[fingerprint]bool
	next        [][]move // runs to distinct states, one move longer than the level
	transitions int
	failure     string
}

func exhaust(t *testing.T, skipUnfit bool) {
	s := &search{skipUnfit: skipUnfit, known: map[fingerprint]bool{newSmall(skipUnfit).fingerprint(): true}, next: [][]move{nil}}
	began := time.Now()
	deepest := testenv.Pick(*exhaustiveDepth, min(*exhaustiveDepth, depthInShortRun))
	for depth := 1; depth <= deepest; depth++ {
		level := s.next
		s.next = nil
		var at atomic.Int64
		var workers sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				for i := at.Add(1) - 1; int(i) < len(level); i = at.Add(1) - 1 {
					s.extend(level[i])
				}
			})
		}
		workers.Wait()
		if s.failure != "" {
			t.Fatal(s.failure)
		}
		t.Logf("depth %d: %d distinct states, %d transitions, %.1f s", depth, len(s.known), s.transitions, time.Since(began).Seconds())
	}
}

// extend plays every move after a run. A move that leaves the state as it was needs no
// new run before the next one is tried.
func (s *search) extend(path []move) {
	run := playSmall(s.skipUnfit, path)
	was, moves := run.fingerprint(), run.moves()
	for i, m := range moves {
		is, err := was, run.check(run.play(m))
		if err == nil { // else there may be no order to look at
			is = run.fingerprint()
		}
		if err == nil && s.note(path, m, is) && i%4 == 0 {
			err = run.checkRestored()
		}
		if err != nil {
			s.mu.Lock()
			s.failure = fmt.Sprintf("%v\n\nas a scenario:\n\n%s", err, scenario.Of(run.log, smallNames()))
			s.mu.Unlock()
			return
		}
		if is != was {
			run = playSmall(s.skipUnfit, path)
		}
	}
}

// note counts a transition, and reports whether its state is new.
func (s *search) note(path []move, m move, is fingerprint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transitions++
	if s.known[is] {
		return false
	}
	s.known[is] = true
	s.next = append(s.next, append(slices.Clone(path), m))
	return true
}

func playSmall(skipUnfit bool, path []move) *small {
	s := newSmall(skipUnfit)
	for _, m := range path {
		s.play(m)
	}
	return s
}
