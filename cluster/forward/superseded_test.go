package forward

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/known"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal"
)

func lineage(ids string) (l peer.Lineage) {
	for _, id := range []byte(ids) {
		l = append(l, peer.ClusterID{id})
	}
	return l
}

// knowing returns a front-end's peers that remember what they meet.
func knowing(t testing.TB, network *memory) *peer.Config {
	t.Helper()
	file, err := known.Open(wal.OS{}, "")
	if err != nil {
		t.Fatal(err)
	}
	config := peer.DefaultConfig()
	config.ID, config.Role, config.Dial, config.HandshakeTimeout = "f1", peer.FrontEnd, network.dial, playedAttemptTimeout
	config.Known = file.Of(0, slog.New(slog.DiscardHandler))
	return &config
}

// A front-end that is linked to a node of the old cluster hears of the one that succeeds it,
// goes on with that one from its beginning, and uses the old one no more, also when it is
// alone.
func TestFrontEndGoesOnWithTheSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, old, young := new(memory), newSingle(), newSingle()
		old.leads, young.leads = true, true
		apply(t, gig("ann", "bob", "cid", "dan"), old)
		apply(t, gig("ann"), young) // restored from before the others bought
		startServedOf(t, network, "n1", old, lineage("a"), nil, nil)
		peers := knowing(t, network)
		f := NewRemote(NewClient(playedConfig(), peers, NewDirectory([]string{"n1", "n2"}), nil, Limits{}), slog.New(slog.DiscardHandler))
		t.Cleanup(func() { f.Close() })
		shows := func(n *single, id string) {
			t.Helper()
			is, _ := f.Cluster()
			want, _ := n.SaleByID("gig")
			sale, found := f.SaleByID("gig")
			if is.ID != id || !found || *sale != *want || f.AppliedSeq() != n.AppliedSeq() {
				t.Errorf("of %s, as of %d: %+v, want %+v", is.ID, f.AppliedSeq(), sale, want)
			}
		}
		time.Sleep(2 * MirrorInterval)
		shows(old, "n1")
		link, err := f.Links().To(t.Context(), "", "n1")
		if err != nil {
			t.Fatal(err)
		}

		successor := startServedOf(t, network, "n2", young, lineage("ab"), nil, nil)
		time.Sleep(3 * meetInterval)
		shows(young, "n2")
		if births, _ := peers.Known.Births(); births.Newest() != lineage("b")[0] {
			t.Errorf("it knows %v", births)
		}
		if again, err := f.Links().To(t.Context(), "", "n1"); !errors.Is(err, peer.ErrOlderCluster) {
			t.Errorf("the old node: %v, %v", again == link, err)
		}

		successor.stop()
		time.Sleep(10 * meetInterval)
		shows(young, "n2")
		if f.Age() < 8*meetInterval {
			t.Errorf("the old node is followed again; it was heard of %v ago", f.Age())
		}
		if _, err := f.Decide(buyOf("eve")); !errors.Is(err, sequencer.ErrNoLeader) {
			t.Errorf("a buy without the new cluster: %v", err)
		}
		if _, known := old.SaleByID("gig"); !known || old.AppliedSeq() != 5 {
			t.Errorf("the old node has decided something: %d", old.AppliedSeq())
		}
	})
}

// A superseded node says so, and a front-end asks another one; its own door shows no orders.
func TestSupersededNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		apply(t, buys("ann"), p.follower.single)
		f := p.frontEnd(t, "n2", "n1")
		time.Sleep(2 * MirrorInterval)
		if is, _ := f.Cluster(); is.ID != "n2" {
			t.Fatalf("it follows %s", is.ID)
		}

		p.follower.mu.Lock()
		p.follower.closed = fmt.Errorf("by cluster x: %w", sequencer.ErrSuperseded)
		p.follower.mu.Unlock()
		for what, err := range map[string]error{
			"an order": func() error { _, _, _, err := p.follower.replica.Order(t.Context(), p.early.Order, 0); return err }(),
			"orders": func() error {
				_, _, err := p.follower.replica.OrdersOf(t.Context(), []byte("ann"), 0, 1, 0)
				return err
			}(),
			"a wait": p.follower.replica.CatchUp(t.Context()),
		} {
			if !errors.Is(err, sequencer.ErrSuperseded) {
				t.Errorf("%s: %v", what, err)
			}
		}
		time.Sleep(3 * MirrorInterval)
		if is, _ := f.Cluster(); is.ID != "n1" || f.Age() > 2*MirrorInterval {
			t.Errorf("it follows %s, as of %v ago", is.ID, f.Age())
		}
		if _, _, found, err := f.Order(t.Context(), p.early.Order, 0); !found || err != nil {
			t.Errorf("an order at the other node: %t, %v", found, err)
		}
	})
}

// flipping knows a newer cluster from some call on.
type flipping struct {
	mu     sync.Mutex
	births peer.Lineage
	newer  peer.Lineage
	calls  int // until it does
}

func (f *flipping) Births() (peer.Lineage, uint8) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls--; f.calls == 0 {
		f.births = f.newer
	}
	return f.births, 0
}

func (f *flipping) Meet(is *peer.Identity) error {
	births, _ := f.Births()
	if births.RelationOf(is.Births) == peer.Older {
		return peer.ErrOlderCluster
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.births, f.newer = is.Births, append(is.Births, peer.ClusterID{99})
	return nil
}

// A batch goes to no leader of a superseded cluster, and what such a one has decided
// meanwhile is not told as decided.
func TestBatchesAfterATakeover(t *testing.T) {
	for _, after := range []int{1, 2} { // before the batch is sent, and before its answer is used
		l := startLeader(t)
		peers := peer.DefaultConfig()
		memory := new(flipping)
		peers.ID, peers.Role, peers.Known = "f1", peer.FrontEnd, memory
		config := testClientConfig()
		config.DecideTimeout = 2 * time.Second
		c := NewClient(config, &peers, NewDirectory([]string{l.node.Address()}), nil, Limits{})
		if r, err := c.Decide(l.buy("ann")); err != nil || r.State != sequencer.StateReserved {
			t.Fatalf("%+v, %v", r, err)
		}
		memory.mu.Lock()
		memory.calls = after
		memory.mu.Unlock()
		want := map[int]error{1: sequencer.ErrNoLeader, 2: sequencer.ErrOutcomeUnknown}[after]
		if r, err := c.Decide(l.buy("bob")); !errors.Is(err, want) {
			t.Errorf("%+v, %v; want %v", r, err, want)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
