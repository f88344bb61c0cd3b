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
	l.server.paging.Lock()
	if _, err := blocksOf(t, l, peer.Node, own, q); !errors.Is(err, sequencer.ErrOverloaded) {
		t.Errorf("beside another page: %v", err)
	}
	l.server.paging.Unlock()
	none := caller{server: new(Server), from: peer.Identity{Role: peer.Node, Cluster: own}}
	if _, err := none.blocks(journal.AppendPageQuestion(nil, q), nil); !errors.Is(err, journal.ErrNotKept) {
		t.Errorf("of a node that keeps none: %v", err)
	}
}
