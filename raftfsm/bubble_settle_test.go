package raftfsm

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"onsale/audit"
	"onsale/sequencer"
)

// healMax is how long after the faults ended buys must succeed (L1), in the
// bubble's time.
const healMax = 10 * time.Second

// clientsPerWorld is how many clients buy at once.
const clientsPerWorld = 8

// live runs the world: eras of faults under load until there were enough fail-overs.
func (w *world) live(nodes, failovers int) {
	w.found(nodes)
	var clients sync.WaitGroup
	for i := range clientsPerWorld {
		clients.Go(w.newClient(i).run)
	}
	for w.failedOver() < failovers && !w.ended.Load() {
		w.era()
		w.settle()
	}
	w.ended.Store(true)
	clients.Wait()
	w.tasks.Wait()
	w.end()
}

// found makes a cluster with a sale.
func (w *world) found(nodes int) {
	var members []Member
	for range nodes {
		id := w.newNode()
		members = append(members, Member{ID: id, Address: id})
	}
	for _, m := range members {
		w.start(m.ID, members)
	}
	w.createSale()
}

// end stops all nodes.
func (w *world) end() {
	for _, id := range w.running() {
		n := w.node(id)
		n.config.Transport.(*port).Close()
		n.closed.Do(func() { n.halt() })
	}
	time.Sleep(healMax) // messages under way arrive nowhere; what still waits then waits for ever
}

func (w *world) failedOver() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failovers
}

// atLeader does something at the leader until it succeeds, or the time is over.
func (w *world) atLeader(do func(*Node) error) error {
	err := errNoLeader
	within(healMax, func() bool {
		if n := w.leading(); n != nil {
			err = do(n)
		}
		return err == nil || w.ended.Load()
	})
	return err
}

func (w *world) createSale() {
	spec := sequencer.SaleSpec{ID: "bubble", Item: "Bubble", Quantity: 60, Cap: 2, Waitlist: 10, Price: 100, Currency: "EUR",
		Hold: int64(2 * time.Second), Grace: int64(time.Second)}
	err := w.atLeader(func(n *Node) error {
		r, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
		if err == nil && r.Code != sequencer.CodeOK && r.Code != sequencer.CodeSaleExists {
			err = fmt.Errorf("the sale was refused: %v", r.Code)
		}
		return err
	})
	if err != nil {
		w.violate("no sale: %v", err)
	}
}

// settle ends all faults and holds the cluster to its promises: buys succeed again
// (L1), every member catches up and has the same history (P8), no hold is overdue (P7).
func (w *world) settle() {
	w.net.heal()
	if err := w.atLeaderWithAll(w.probe); err != nil && !w.ended.Load() {
		w.violate("L1: %v after the faults ended: %v", healMax, err)
		return
	}
	if err := w.atLeaderWithAll(w.gather); err != nil && !w.ended.Load() {
		w.violate("the membership did not settle: %v", err)
		return
	}
	height := w.chain.height()
	caughtUp := within(healMax, func() bool {
		w.bury()
		if leader := w.leading(); leader != nil {
			w.startMembers(leader)
		}
		return w.behind(height) == "" || w.ended.Load()
	})
	if !caughtUp {
		w.violate("P8: %s did not reach height %d within %v", w.behind(height), height, healMax)
	}
	if overdue := w.overdue(); overdue > 5*time.Second {
		w.violate("P7: a hold ended %v ago and still holds its tickets", overdue)
	}
}

// atLeaderWithAll is atLeader while every member is kept running.
func (w *world) atLeaderWithAll(do func(*Node) error) error {
	return w.atLeader(func(n *Node) error {
		w.startMembers(n)
		return do(n)
	})
}

// startMembers starts the members that do not run.
func (w *world) startMembers(leader *Node) {
	w.bury()
	for _, m := range leader.Membership().List() {
		w.start(m.ID, nil)
	}
}

// probe buys once and gives the sale what it needs to go on.
func (w *world) probe(n *Node) error {
	if _, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSaleQuantity, Sale: bubbleSale, Amount: 8}); err != nil {
		return err
	}
	_, err := buyAs(n, fmt.Sprint("probe-", w.chain.height()), bubbleSale)
	return err
}

// gather gives every learner a vote, and ends the nodes that are no members.
func (w *world) gather(leader *Node) error {
	members := map[string]bool{}
	for _, m := range leader.Membership().List() {
		members[m.ID] = true
		if m.Voter {
			continue
		}
		err := leader.Membership().Change(func([]Member) (Change, error) { return Change{Kind: AddVoter, ID: m.ID, Address: m.Address}, nil })
		if err != nil {
			return err
		}
		w.count("promoted")
	}
	if len(members) == 0 || !leader.Leads() {
		return errNoLeader
	}
	for _, id := range w.running() {
		if !members[id] {
			w.crash(id)
		}
	}
	return nil
}

// behind returns a node that has not applied up to a height; "" when all have.
func (w *world) behind(height uint64) string {
	for _, id := range w.running() {
		if n := w.node(id); n.data.Journal.Position().Height < height {
			return id
		}
	}
	return ""
}

// overdue returns how long ago the earliest hold ended that still has its tickets,
// by the leader's log time.
func (w *world) overdue() time.Duration {
	n := w.leading()
	if n == nil {
		return 0
	}
	due, any := n.machine.nextDue()
	if !any {
		return 0
	}
	return time.Duration(n.clock.stamp() - due)
}

// judge holds the whole history against what the clients were told, and the books.
// It runs outside the bubble.
func (w *world) judge() {
	for _, wrong := range w.past.check(w.chain) {
		w.violate("%s", wrong)
	}
	if err := w.chain.audit(filepath.Join(w.dir, "history", "journal")); err != nil {
		w.violate("%v", err)
	}
	for id := range w.nodes {
		err := auditDir(filepath.Join(w.dir, id, "journal"), audit.VerdictClean, audit.VerdictUnchecked)
		if err != nil {
			w.violate("%s: %v", id, err)
		}
	}
}
