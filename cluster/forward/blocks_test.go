package forward

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// blocksOf dials a node as somebody and asks for blocks.
func blocksOf(t *testing.T, l *leader, role peer.Role, cluster peer.ClusterID, q journal.PageQuestion) (journal.Page, error) {
	t.Helper()
	config := peer.DefaultConfig()
	config.ID, config.Role = "n2", role
	if cluster != (peer.ClusterID{}) {
		config.Cluster = func() (peer.Lineage, uint8) { return peer.Lineage{cluster}, 0 }
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	link, err := DialLink(ctx, &config, l.node.Address(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	return link.Blocks(ctx, q)
}

// A node of the cluster gets the blocks that it asks for, as they are in the journal;
// front-ends and nodes without a cluster get none.
func TestBlocksForNodes(t *testing.T) {
	l := startLeader(t)
	for i := range 20 {
		if _, err := l.node.Decide(l.buy(fmt.Sprint("buyer ", i))); err != nil {
			t.Fatal(err)
		}
	}
	own, err := peer.ParseClusterID(l.node.Identity().ClusterID)
	if err != nil {
		t.Fatal(err)
	}
	q := journal.PageQuestion{Height: 2, Blocks: 5, Bytes: 1 << 16}
	page, err := blocksOf(t, l, peer.Node, own, q)
	if err != nil || !page.Whole(0) || len(page.Others) != 4 {
		t.Fatalf("%d blocks behind the first, %v", len(page.Others), err)
	}
	before := journal.Hash{}
	for i, data := range append([][]byte{page.Piece}, page.Others...) {
		b, err := journal.DecodeBlock(data)
		if err != nil || b.Height != uint64(i+2) || i > 0 && b.Previous != before {
			t.Errorf("block %d: %d, %v", i+2, b.Height, err)
		}
		before = b.Hash
	}
	if _, err := blocksOf(t, l, peer.Node, own, journal.PageQuestion{Height: 1 << 20, Blocks: 1, Bytes: 1 << 16}); !errors.Is(err, journal.ErrNotKept) {
		t.Errorf("blocks that are not there: %v", err)
	}
	for name, asker := range map[string]struct {
		role    peer.Role
		cluster peer.ClusterID
	}{"a front-end": {peer.FrontEnd, own}, "a node of no cluster": {peer.Node, peer.ClusterID{}}} {
		if _, err := blocksOf(t, l, asker.role, asker.cluster, q); !errors.Is(err, codes.ErrRejected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := blocksOf(t, l, peer.Node, own, journal.PageQuestion{Height: 0, Blocks: 1, Bytes: 1 << 16}); !errors.Is(err, codes.ErrRejected) {
		t.Errorf("height 0: %v", err)
	}
	l.server.pageWaiters.Store(pageWaitersMax)
	if _, err := blocksOf(t, l, peer.Node, own, q); !errors.Is(err, sequencer.ErrOverloaded) {
		t.Errorf("behind as many as may wait: %v", err)
	}
	l.server.pageWaiters.Store(0)
	none := caller{server: new(Server), from: peer.Identity{Role: peer.Node, Cluster: own}}
	if _, err := none.blocks(journal.AppendPageQuestion(nil, q), nil); !errors.Is(err, journal.ErrNotKept) {
		t.Errorf("of a node that keeps none: %v", err)
	}
}

// A reader gets blocks, waits for those that are not there yet, is told to ask another node while this
// one leads, if it says so, and is shown nothing else.
func TestBlocksForReaders(t *testing.T) {
	l := startLeader(t)
	if _, err := l.node.Decide(l.buy("ann")); err != nil {
		t.Fatal(err)
	}
	config := peer.DefaultConfig()
	config.ID, config.Role = "x1", peer.Reader
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	link, err := DialLink(ctx, &config, l.node.Address(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	if page, err := link.Blocks(ctx, journal.PageQuestion{Height: 1, Blocks: 1, Bytes: 1 << 16}); err != nil || !page.Whole(0) {
		t.Errorf("%+v, %v", page, err)
	}
	next := journal.PageQuestion{Height: l.node.History().Position().Height + 1, Blocks: 1, Bytes: 1 << 16, WaitMilliseconds: 1}
	if _, err := link.Blocks(ctx, next); !errors.Is(err, journal.ErrNotYet) {
		t.Errorf("a block that is not there yet: %v", err)
	}
	spare := next
	spare.Spare = true
	if _, err := link.Blocks(ctx, spare); !errors.Is(err, sequencer.ErrOverloaded) {
		t.Errorf("a leader that is to be spared: %v", err)
	}
	next.WaitMilliseconds = uint32(journal.PageWaitMax.Milliseconds())
	came := make(chan error)
	go func() {
		_, err := link.Blocks(ctx, next)
		came <- err
	}()
	if _, err := l.node.Decide(l.buy("bob")); err != nil {
		t.Fatal(err)
	}
	if err := <-came; err != nil {
		t.Errorf("a block that was waited for: %v", err)
	}
	if _, err := link.Position(ctx); !errors.Is(err, codes.ErrRejected) {
		t.Errorf("a position: %v", err)
	}
}
