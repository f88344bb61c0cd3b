package simulation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// verb is what a step does.
type verb uint8

const (
	verbNodes       verb = iota // count
	verbClock                   // milliseconds that pass
	verbDue                     // nanoseconds before the leader's next timer
	verbElect                   // node, skew of its clock in ms
	verbPropose                 // node
	verbReplicate               // from, to, entries, answer lost
	verbApply                   // node, entries, answers lost
	verbRestart                 // node
	verbFreeze                  // node
	verbPersist                 // node
	verbCreate                  // request, quantity, cap, waitlist, price, hold ms, grace ms, start ms, skip unfit, holds, cool-down ms, key of pseudonyms
	verbUpdate                  // request, sale, and as create from cap on
	verbSeller                  // request, kind, sale, amount, revision
	verbBuy                     // request, person, quantity, min, key, sale, door, name (nameAsked and so on)
	verbAgain                   // request, door
	verbCancel                  // request, of, door, tickets of a part
	verbPay                     // request, of, door, amount too much, account unsaid, seconds in the line
	verbRefund                  // request, of, tickets of a part
	verbForward                 // front-end, node
	verbAuthorise               // request, phase, answer lost
	verbOutcome                 // request, phase
	verbSettle                  // node, which, answer lost, abandon
	verbBounce                  // which, final, notice lost
	verbAcknowledge             // request, of
	verbDispute                 // which, status, notice lost
	verbKey                     // account
	verbAccept                  // request, account
	verbByHand                  // request, of
	verbWithdraw                // request, of, tickets of a part
	verbCount
)

var verbNames = [verbCount]string{"nodes", "clock", "due", "elect", "propose", "replicate", "apply", "restart", "freeze", "persist",
	"create", "update", "seller", "buy", "again", "cancel", "pay", "refund", "forward", "authorise", "outcome", "settle", "bounce", "acknowledge", "dispute",
	"key", "accept", "by-hand", "withdraw"}

// step is one thing that happens in a world. Its numbers mean the same whatever steps
// before it are left out: requests have ids, and orders are named by the request that
// made them. A step that means nothing where it stands does nothing.
type step struct {
	verb verb
	n    [12]int32
}

func (s step) String() string {
	used := len(s.n)
	for used > 1 && s.n[used-1] == 0 {
		used--
	}
	return verbNames[s.verb] + " " + strings.Trim(fmt.Sprint(s.n[:used]), "[]")
}

// parseSteps reads a scenario file: a step a line, # begins a comment.
func parseSteps(text string) (steps []step, err error) {
	for number, l := range strings.Split(text, "\n") {
		l, _, _ = strings.Cut(l, "#")
		words := strings.Fields(l)
		if len(words) == 0 {
			continue
		}
		s := step{verb: verbCount}
		for v, name := range verbNames {
			if name == words[0] {
				s.verb = verb(v)
			}
		}
		if s.verb == verbCount || len(words)-1 > len(s.n) {
			return nil, fmt.Errorf("line %d, %q: no such step", number+1, l)
		}
		for i, word := range words[1:] {
			n, err := strconv.ParseInt(word, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number+1, err)
			}
			s.n[i] = int32(n)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// dawn is when every run begins.
const dawn = 1_780_272_000 * int64(time.Second)

const millisecond = int64(time.Millisecond)

// phases are what steps call the outcomes of an authorisation.
var phases = [...]payment.Phase{payment.Authorised, payment.Declined, payment.Processing}

// play does a step.
func (w *world) play(s *step) error {
	w.seen.Steps++
	n := &s.n
	r := w.replicas[int(n[0])%len(w.replicas)]
	switch s.verb {
	case verbClock:
		w.clock += int64(n[0]) * millisecond
	case verbDue:
		w.clock = w.nearDue(int64(n[0]))
	case verbElect:
		return w.elect(r, int64(n[1])*millisecond)
	case verbPropose:
		w.propose(r)
	case verbReplicate:
		return w.replicate(r, w.replicas[int(n[1])%len(w.replicas)], uint64(n[2]), n[3] != 0)
	case verbApply:
		for range n[1] {
			if err := r.apply(n[2] != 0); err != nil {
				return err
			}
		}
	case verbRestart:
		return r.restart()
	case verbFreeze:
		r.freeze()
	case verbPersist:
		return r.persist()
	case verbForward:
		w.forward(w.frontends[int(n[0])%len(w.frontends)], w.replicas[int(n[1])%len(w.replicas)])
	case verbAuthorise:
		w.authorise(w.request(int(n[0])), phases[n[1]], n[2] != 0)
	case verbOutcome:
		if q := w.request(int(n[0])); q != nil {
			key, costs := attemptKey(string(q.command.Reference), q.command.Order, q.begun)
			if costs && w.provider.settle(key, phases[n[1]]) {
				w.seen.Authenticated++
			}
		}
	case verbBounce:
		w.bounce(int(n[0]), n[1] != 0, n[2] != 0)
	case verbDispute:
		w.dispute(int(n[0]), sequencer.DisputeStatus(n[1]), n[2] != 0)
	case verbKey:
		w.changeKey(uint8(int(n[0]) % len(accountNames)))
	case verbSettle:
		return w.settle(r, int(n[1]), n[2] != 0, n[3] != 0)
	default:
		w.ask(s)
	}
	return nil
}

// nearDue returns the time at which the leader stamps a batch so that its next timer
// is some nanoseconds ahead.
func (w *world) nearDue(before int64) int64 {
	if w.leader == nil {
		return w.clock
	}
	due, any := w.leader.machine.NextDue()
	if !any {
		return w.clock
	}
	return max(w.clock, due-before-w.leader.skew)
}

// ask makes a request, or repeats one.
func (w *world) ask(s *step) {
	n := &s.n
	q, door := &request{id: int(n[0])}, w.leaderDoor()
	switch s.verb {
	case verbCreate:
		spec := specOf(fmt.Sprintf("s%d", n[0]), n[2:])
		spec.Quantity, spec.StartsAt = uint32(n[1]), w.clock+int64(n[7])*millisecond
		spec.PseudonymKey = sequencer.PseudonymKeyID(n[11])
		if n[7]%5 == 0 {
			spec.StartsAt = 0 // at once
		}
		q.command = sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}
	case verbUpdate:
		if !w.update(q, n) {
			return
		}
	case verbSeller:
		q.command = sequencer.Command{Kind: sequencer.Kind(n[1]), Sale: uint16(n[2]), Amount: int64(n[3]), Revision: uint32(n[4])}
		if q.command.Kind == sequencer.KindHoldStop {
			q.command = sequencer.Command{Kind: sequencer.KindHoldStop, Count: uint32(n[3])}
		}
	case verbBuy:
		user := w.nameFor(n[1], uint16(n[5]), n[7])
		q.command = sequencer.Command{Kind: sequencer.KindBuy, User: user, Quantity: uint8(n[2]), Min: uint8(n[3]), Sale: uint16(n[5])}
		if n[4] != 0 {
			q.command.Key = sequencer.DigestKey(user, named('k', n[4]))
		}
		door = int(n[6])
	case verbAgain:
		if q = w.request(int(n[0])); q != nil && q.again() {
			w.send(q, int(n[1]))
		}
		return
	case verbAccept:
		q.command = sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte(accountName(uint8(n[1]))), Body: []byte("the shop was sold")}
	case verbCancel, verbPay, verbRefund, verbAcknowledge, verbByHand, verbWithdraw:
		if !w.about(q, w.request(int(n[1])), s) {
			return
		}
		if s.verb == verbCancel || s.verb == verbPay {
			door = int(n[2])
		}
	}
	w.note(q)
	w.send(q, door)
}

// named returns the name of a user or a key.
func named(kind byte, number int32) []byte {
	return strconv.AppendInt(append(make([]byte, 0, 12), kind), int64(number), 10)
}

func (w *world) leaderDoor() int {
	if w.leader == nil {
		return 0
	}
	return w.leader.id
}

// specOf makes a sale's terms of a step's numbers from the cap on.
func specOf(id string, n []int32) sequencer.SaleSpec {
	return sequencer.SaleSpec{
		ID: id, Item: "ticket", Cap: uint8(n[0]), Waitlist: uint32(n[1]), Price: int64(n[2]), Currency: "EUR",
		Hold: int64(n[3]) * millisecond, Grace: int64(n[4]) * millisecond, SkipUnfit: n[6] != 0,
		ExpiredHoldsMax: uint8(n[7]), CoolDown: int64(n[8]) * millisecond,
	}
}

// update makes a seller's update of a sale that the leader shows.
func (w *world) update(q *request, n *[12]int32) bool {
	if w.leader == nil {
		return false
	}
	v, known := w.leader.machine.Sale(uint16(n[1]))
	if !known {
		return false
	}
	spec := specOf(v.ID, n[2:])
	spec.Quantity, spec.StartsAt, spec.PseudonymKey = v.Quantity, v.StartsAt, v.PseudonymKey
	if v.StartsAt <= v.AsOfTime { // what does not change while it runs
		spec.Cap, spec.Grace = v.Cap, v.Grace
		if v.Held+v.Waiting+v.Sold > 0 { // else perhaps: who began to pay may be gone
			spec.Price = v.Price
		}
	}
	q.command = sequencer.Command{Kind: sequencer.KindSaleUpdate, Sale: v.Number, Body: sequencer.AppendSaleSpec(nil, &spec)}
	return true
}

// about makes a request about the order that another request was told.
func (w *world) about(q, of *request, s *step) bool {
	if of == nil || !of.told || of.result.Order == 0 {
		return false
	}
	c := sequencer.Command{Order: of.result.Order, User: of.command.User}
	switch s.verb {
	case verbCancel:
		c.Kind = sequencer.KindCancel
		partOf(&c, q.id, s.n[3])
	case verbRefund:
		c.Kind, c.User = sequencer.KindRefund, nil
		partOf(&c, q.id, s.n[2])
		w.naming(&c, of.result.Order, int32(q.id%4))
	case verbWithdraw:
		c.Kind, c.User, c.Actor = sequencer.KindWithdraw, nil, []byte("sella")
		partOf(&c, q.id, s.n[2])
	case verbAcknowledge:
		c.Kind, c.User, c.Body = sequencer.KindAcknowledge, nil, []byte("in cash")
		w.noteFailure(&c)
	case verbPay:
		c.Kind = sequencer.KindPayBegin
		c.Amount = w.sales[of.result.Sale-1].price*int64(w.quantityOf(of)) + int64(s.n[3])
		var begins bool
		if c.Reference, begins = w.beginUnder(c.Amount, s.n[4] != 0); !begins {
			return false
		}
		c.Count = uint32(s.n[5])
	case verbByHand:
		if w.leader == nil {
			return false
		}
		var known bool
		if c, known = w.handWord(w.leader, c.Order); !known {
			return false
		}
	}
	q.command, q.of = c, of
	return true
}

// partOf makes a cancel or refund one of a part, under a key of the request, which may be
// repeated.
func partOf(c *sequencer.Command, request int, tickets int32) {
	if tickets > 0 {
		c.Quantity, c.Key = uint8(tickets), sequencer.DigestKey([]byte("part"), fmt.Append(nil, request))
	}
}

// naming lets the refund of a part name its tickets: 2 the order's lowest that are valid, 3 its
// lowest whatever became of them. The leader may be behind, and then the names are wrong.
func (w *world) naming(c *sequencer.Command, order uint64, how int32) {
	if c.Quantity == 0 || how < 2 || w.leader == nil {
		return
	}
	v, _ := w.leader.machine.Order(order)
	var names []uint32
	for _, ticket := range v.Tickets {
		if len(names) < int(c.Quantity) && (how == 3 || !ticket.Revoked) {
			names = append(names, ticket.Number)
		}
	}
	if len(names) > 0 {
		w.seen.Named++
	}
	c.Body = sequencer.AppendTicketNames(nil, names)
}

// quantityOf returns how many tickets the client has to pay: a waiting order may have
// got fewer than it was told to wait for.
func (w *world) quantityOf(of *request) uint8 {
	if w.leader != nil {
		if v, known := w.leader.machine.Order(of.result.Order); known {
			return v.Quantity
		}
	}
	return of.result.Quantity
}
