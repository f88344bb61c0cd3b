package forward

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// sellers takes the token "good" and says what it was given.
type sellers struct {
	token   []byte
	command sequencer.Command
	asked   int
}

func (s *sellers) Seller(token []byte, c *sequencer.Command) (sequencer.Result, error) {
	s.asked++
	s.token, s.command = bytes.Clone(token), *c
	s.command.Actor, s.command.Body = bytes.Clone(c.Actor), bytes.Clone(c.Body)
	if string(token) != "good" {
		return sequencer.Result{}, codes.ErrToken
	}
	return sequencer.Result{Seq: 7, Kind: c.Kind, Sale: c.Sale, Code: sequencer.CodeOK}, nil
}

// linkAs returns a link of a process with some role to a node.
func linkAs(t testing.TB, p *pair, id string, role peer.Role, to string) *Link {
	t.Helper()
	config := peer.DefaultConfig()
	config.ID, config.Role, config.Dial = id, role, p.network.dial
	link, err := DialLink(t.Context(), &config, to, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	return link
}

// forged are commands that no other process may have decided.
func forged() []sequencer.Command {
	spec := sequencer.SaleSpec{ID: "s", Item: "S", Quantity: 1, Cap: 1, Currency: "EUR", Hold: 1, Grace: 1}
	return []sequencer.Command{
		{Kind: sequencer.KindPayBegin, Order: 2, User: []byte("ann"), Amount: 1, Reference: []byte("a")},
		{Kind: sequencer.KindPayResult, Order: 2, Attempt: 1, Outcome: sequencer.PayAccepted},
		{Kind: sequencer.KindPayVoided, Order: 2, Attempt: 1},
		{Kind: sequencer.KindPayCaptured, Order: 2, Attempt: 1},
		{Kind: sequencer.KindRefund, Order: 2},
		{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)},
		{Kind: sequencer.KindSaleUpdate, Sale: 1, Body: sequencer.AppendSaleSpec(nil, &spec)},
		{Kind: sequencer.KindSalePause, Sale: 1}, {Kind: sequencer.KindSaleResume, Sale: 1}, {Kind: sequencer.KindSaleClose, Sale: 1},
		{Kind: sequencer.KindSaleCancel, Sale: 1}, {Kind: sequencer.KindSaleQuantity, Sale: 1, Amount: 1}, {Kind: sequencer.KindSaleRelease, Sale: 1, Amount: 1},
		{Kind: sequencer.KindSaleExtend, Sale: 1, Amount: 1}, {Kind: sequencer.KindSessionOpen},
		{Kind: sequencer.KindOutage, Order: 1, Amount: 2, Count: 3}, {Kind: sequencer.KindHoldStop, Count: 3}, {Kind: sequencer.KindHoldGo},
		{Kind: sequencer.KindForward, Order: 1, Amount: 2, Count: 1},
		{Kind: sequencer.KindLevel, Amount: 2},
		{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest{1}, Amount: 1, Count: uint32(sequencer.BirthRecover)},
	}
}

// refusing is a leader that notes whether a batch got as far as the line.
type refusing struct {
	*single
	lined int
}

func (r *refusing) DecideMany([]byte, int, []sequencer.Result) error {
	r.lined++
	return sequencer.ErrOverloaded
}

// Whoever reaches a node's port decides nothing by a batch but what buyers ask for: one
// other command in it, wherever it stands, and the whole is refused.
func TestForgedBatchIsRefusedWhole(t *testing.T) {
	for _, c := range forged() {
		for _, at := range []int{0, 1, 2} {
			var frames []byte
			for i := range 3 {
				one := sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte("ann")}
				if i == at {
					one = c
				}
				frames = sequencer.AppendCommand(frames, &one)
			}
			batch := make([]byte, sequencer.ForwardBytes)
			sequencer.PutForward(batch, 1, 1, 3)
			node := &refusing{single: newSingle()}
			_, err := execute(node, append(batch, frames...), new([]sequencer.Result), nil)
			if _, code := codes.Append(nil, err); !errors.Is(err, sequencer.ErrForward) || node.lined != 0 || !errors.Is(saidBy(code, nil), codes.ErrRejected) {
				t.Errorf("a %s in place %d: %v, %d batches were lined up", c.Kind, at, err, node.lined)
			}
		}
	}
}

// A process brings no other command on its way either.
func TestClientForwardsBuyersCommandsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		for _, c := range forged() {
			if _, err := p.follower.replica.Client().Decide(&c); !errors.Is(err, sequencer.ErrForward) {
				t.Errorf("a %s: %v", c.Kind, err)
			}
		}
	})
}

// A seller's command reaches the leader with the token, from nodes alone, and every other
// kind of command is refused there too.
func TestSellersCommandsCarryTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, office := startPair(t), new(sellers)
		p.leader.server.config.Sellers = office
		node, frontEnd := linkAs(t, p, "n9", peer.Node, "n1"), linkAs(t, p, "f1", peer.FrontEnd, "n1")

		for _, c := range forged() {
			before := office.asked
			result, err := node.Seller(t.Context(), []byte("good"), &c)
			switch {
			case c.Kind.Sellers() && (err != nil || result.Seq != 7 || result.Kind != c.Kind || string(office.token) != "good" || !reflect.DeepEqual(office.command, c)):
				t.Errorf("%+v arrives as %+v with %q: %+v, %v", c, office.command, office.token, result, err)
			case !c.Kind.Sellers() && (!errors.Is(err, codes.ErrRejected) || office.asked != before):
				t.Errorf("a %s: %v, asked %d times", c.Kind, err, office.asked-before)
			}
		}
		pause := sequencer.Command{Kind: sequencer.KindSalePause, Sale: 1}
		if _, err := node.Seller(t.Context(), []byte("bad"), &pause); !errors.Is(err, codes.ErrToken) {
			t.Errorf("with a bad token: %v", err)
		}
		if _, err := frontEnd.Seller(t.Context(), []byte("good"), &pause); !errors.Is(err, codes.ErrRejected) {
			t.Errorf("from a front-end: %v", err)
		}
		if _, err := linkAs(t, p, "n9", peer.Node, "n2").Seller(t.Context(), []byte("good"), &pause); !errors.Is(err, codes.ErrRejected) && !errors.Is(err, sequencer.ErrNoLeader) {
			t.Errorf("at a follower: %v", err)
		}
		for _, bad := range [][]byte{nil, {1}, {0, 0}, {9, 0, 'x'}, append([]byte{1, 0, 'x'}, 0, 0)} {
			if _, err := node.ask(t.Context(), kindSeller, bad); !errors.Is(err, codes.ErrRejected) {
				t.Errorf("%x: %v", bad, err)
			}
		}
	})
}

// A follower's sellers are decided at the leader, with the token; the leader's own at once.
func TestDecideAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, office := startPair(t), new(sellers)
		p.leader.server.config.Sellers = office
		pause := sequencer.Command{Kind: sequencer.KindSalePause, Sale: 1}
		follower := doorOf(p.follower, decidesAlike{p.follower.single, &sequencer.NotLeaderError{}})
		if result, err := follower.DecideAs([]byte("good"), &pause); err != nil || result.Seq != 7 {
			t.Errorf("at the follower: %+v, %v", result, err)
		}
		if _, err := follower.DecideAs([]byte("bad"), &pause); !errors.Is(err, codes.ErrToken) {
			t.Errorf("with a bad token: %v", err)
		}
		asked := office.asked
		if result, err := doorOf(p.leader, decidesAlike{p.leader.single, nil}).DecideAs([]byte("bad"), &pause); err != nil || result.Seq != 3 || office.asked != asked {
			t.Errorf("at the leader: %+v, %v", result, err)
		}
	})
}

// doorOf is a served node's replica with another node in it.
func doorOf(s *served, node Node) *Replica {
	return &Replica{Node: node, client: s.replica.client, links: s.replica.links}
}

// decidesAlike is a node that answers each command alike.
type decidesAlike struct {
	*single
	err error
}

func (d decidesAlike) Decide(*sequencer.Command) (sequencer.Result, error) {
	if d.err != nil {
		return sequencer.Result{}, d.err
	}
	return sequencer.Result{Seq: 3}, nil
}
