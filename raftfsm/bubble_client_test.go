package raftfsm

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"onsale/sequencer"
)

// sent is what a client sent until it had an answer, or gave up.
type sent struct {
	command         sequencer.Command
	called          uint64 // moment of the newest try, which an answer that is no repeat is of
	returned        uint64 // moment of the answer; 0 without one
	result          sequencer.Result
	unknown, gaveUp bool // some try may have been taken; nobody waits for the answer any more
}

// history is what all clients sent. Moments are counted, because many things happen
// at one instant of a bubble's time.
type history struct {
	moment atomic.Uint64
	mu     sync.Mutex
	list   []*sent
}

func newHistory() *history { return new(history) }

func (h *history) begin(c sequencer.Command) *sent {
	s := &sent{command: c}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, s)
	return s
}

// client is one goroutine that buys, cancels, pays and asks again.
type client struct {
	*world
	random *rand.Rand
	name   string
	buys   []*sent // answered
}

func (w *world) newClient(i int) *client {
	return &client{world: w, random: rand.New(rand.NewPCG(w.seed, uint64(i))), name: fmt.Sprint("c", i)}
}

// sale is the number of the only sale.
const bubbleSale = 1

func (c *client) run() {
	for n := 0; !c.ended.Load(); n++ {
		time.Sleep(time.Duration(c.random.Int64N(int64(30 * time.Millisecond))))
		switch dice := c.random.IntN(10); {
		case dice < 6 || len(c.buys) == 0:
			c.buy(n)
		case dice < 7:
			c.again()
		case dice < 8:
			c.cancel()
		default:
			c.pay()
		}
	}
}

// buy takes a ticket or two, now and then as a user that other clients are too.
func (c *client) buy(n int) {
	user := fmt.Sprintf("%s-%d", c.name, n/3)
	if c.random.IntN(4) == 0 {
		user = fmt.Sprintf("all-%d", n/4)
	}
	command := sequencer.Command{Kind: sequencer.KindBuy, Sale: bubbleSale, Quantity: uint8(1 + c.random.IntN(2)), User: []byte(user),
		Key: sequencer.DigestKey([]byte(user), fmt.Appendf(nil, "%s-%d", c.name, n))}
	if s := c.send(command); s.returned > 0 {
		c.buys = append(c.buys, s)
	}
}

// again sends a buy once more under its key: an order must be told again, a refusal is
// decided again.
func (c *client) again() { c.send(c.buys[c.random.IntN(len(c.buys))].command) }

// recent returns one of the newest orders of this client; nil when there is none.
func (c *client) recent() *sent {
	for range 4 {
		s := c.buys[len(c.buys)-1-c.random.IntN(min(8, len(c.buys)))]
		if s.result.Order != 0 {
			return s
		}
	}
	return nil
}

func (c *client) cancel() {
	if s := c.recent(); s != nil {
		c.send(sequencer.Command{Kind: sequencer.KindCancel, Order: s.result.Order, User: s.command.User})
	}
}

// pay goes through a payment: begin, outcome, capture.
func (c *client) pay() {
	s := c.recent()
	if s == nil {
		return
	}
	begun := c.send(sequencer.Command{Kind: sequencer.KindPayBegin, Order: s.result.Order, User: s.command.User, Amount: 100 * int64(s.result.Quantity), Reference: []byte("a")})
	if begun.returned == 0 || begun.result.State != sequencer.StatePaying {
		return
	}
	outcome := sequencer.PayAccepted
	if c.random.IntN(3) == 0 {
		outcome = sequencer.PayRejected
	}
	attempt := begun.result.Attempt
	done := c.send(sequencer.Command{Kind: sequencer.KindPayResult, Order: s.result.Order, Attempt: attempt, Outcome: outcome})
	if done.returned > 0 && outcome == sequencer.PayAccepted {
		c.send(sequencer.Command{Kind: sequencer.KindPayCaptured, Order: s.result.Order, Attempt: attempt, Amount: 100 * int64(done.result.Quantity)})
	}
}

// send sends a command until it has an answer. Who was told that nothing was taken
// sometimes gives up: then nothing may ever have been taken.
func (c *client) send(command sequencer.Command) *sent {
	s := c.past.begin(command)
	for tries := 0; !c.ended.Load(); tries++ {
		n := c.someNode()
		if n == nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		s.called = c.past.moment.Add(1)
		result, err := n.Decide(&command)
		switch {
		case err == nil:
			s.result, s.returned = result, c.past.moment.Add(1)
			c.count("answered")
			return s
		case errors.Is(err, sequencer.ErrOutcomeUnknown):
			s.unknown = true
			c.count("outcome unknown")
		case errors.Is(err, sequencer.ErrNoLeader), errors.Is(err, sequencer.ErrStopping):
			c.count("not taken")
			if !s.unknown && c.random.IntN(8) == 0 {
				s.gaveUp = true
				return s
			}
		default:
			c.violate("%s was told %v", c.name, err)
		}
		time.Sleep(time.Duration(c.random.Int64N(int64(20 * time.Millisecond))))
	}
	return s
}

// someNode returns the leader, or now and then any node.
func (c *client) someNode() *Node {
	ids := c.running()
	if len(ids) > 0 && c.random.IntN(10) == 0 {
		return c.node(ids[c.random.IntN(len(ids))])
	}
	for _, id := range ids { // also one that does not know yet that it leads no more
		if n := c.node(id); n != nil && n.batcher.leading.Load() && c.random.IntN(2) == 0 {
			return n
		}
	}
	return c.leading()
}

// check holds what the clients were told against the history that the replicas made.
func (h *history) check(c *chain) []string {
	times := map[sequencer.KeyDigest]int{} // that a key was sent
	for _, s := range h.list {
		times[s.command.Key]++
	}
	var wrong []string
	for _, s := range h.list {
		switch told := s.result; {
		case s.gaveUp && s.command.Kind == sequencer.KindBuy && c.keys[s.command.Key] && times[s.command.Key] == 1:
			wrong = append(wrong, fmt.Sprintf("a buy of %s was told that it was not taken, and is in the log", s.command.User))
		case s.returned == 0:
		case c.results[told.Seq] == (sequencer.Result{}):
			wrong = append(wrong, fmt.Sprintf("P3: acknowledged %+v is not in the log", told))
		case !told.Replayed && c.results[told.Seq] != told:
			wrong = append(wrong, fmt.Sprintf("P9: acknowledged %+v, the log has %+v", told, c.results[told.Seq]))
		case c.results[told.Seq].Code != told.Code || c.results[told.Seq].Order != told.Order:
			wrong = append(wrong, fmt.Sprintf("P5: a repeated key was answered %+v, the log has %+v", told, c.results[told.Seq]))
		}
	}
	return append(append(wrong, h.checkOrder()...), h.checkKeys()...)
}

// checkOrder is P4: who had an answer before somebody else asked has the lower seq.
// It goes through the moments once: O(n log n).
func (h *history) checkOrder() []string {
	type edge struct {
		moment uint64
		sent   *sent
	}
	var edges []edge
	for _, s := range h.list {
		if s.returned > 0 && !s.result.Replayed {
			edges = append(edges, edge{s.called, s}, edge{s.returned, s})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.moment, b.moment) })
	floor := map[*sent]uint64{}
	highest := uint64(0)
	var wrong []string
	for _, e := range edges {
		if e.moment == e.sent.called {
			floor[e.sent] = highest
			continue
		}
		if e.sent.result.Seq <= floor[e.sent] {
			wrong = append(wrong, fmt.Sprintf("P4: %+v was asked after seq %d was answered", e.sent.result, floor[e.sent]))
		}
		highest = max(highest, e.sent.result.Seq)
	}
	return wrong
}

// checkKeys is P5: a key makes at most one order, and no copy that was sent after the order
// was told is told anything else.
func (h *history) checkKeys() []string {
	ordered := map[sequencer.KeyDigest]*sent{} // who was told the key's order first
	var wrong []string
	for _, s := range h.list {
		if s.returned == 0 || s.command.Kind != sequencer.KindBuy || s.result.Order == 0 {
			continue
		}
		first := ordered[s.command.Key]
		if first != nil && (first.result.Order != s.result.Order || first.result.Seq != s.result.Seq) {
			wrong = append(wrong, fmt.Sprintf("P5: a key of %s has the orders %+v and %+v", s.command.User, first.result, s.result))
		}
		if first == nil || s.returned < first.returned {
			ordered[s.command.Key] = s
		}
	}
	for _, s := range h.list {
		first := ordered[s.command.Key]
		if s.returned > 0 && s.command.Kind == sequencer.KindBuy && s.result.Order == 0 && first != nil && first.returned < s.called {
			wrong = append(wrong, fmt.Sprintf("P5: a key of %s has the order %+v, and is told %+v after that", s.command.User, first.result, s.result))
		}
	}
	return wrong
}
