package forward

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/codes"
	"onsale/sequencer"
)

// A batch that the node refuses is answered with the reason, and counted as refused.
func TestARefusedBatchIsToldWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		link := p.linkTo(t, "n1")
		for range 2 {
			if body, err := link.ask(t.Context(), kindBatch, []byte("odd")); !errors.Is(err, codes.ErrRejected) {
				t.Errorf("answered %q, %v", body, err)
			}
		}
		if n := p.leader.server.Counters(); n.Refused.Load() != 2 || n.Batches.Load() != 0 || n.Requests.Load() != 0 {
			t.Errorf("%d are counted as refused, %d batches of %d requests", n.Refused.Load(), n.Batches.Load(), n.Requests.Load())
		}
	})
}

// A server that was closed serves nobody, also who connects afterwards.
func TestAClosedServerServesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		p.leader.stop()
		listener := p.network.listen("again")
		ended := make(chan error, 1)
		go func() { ended <- p.leader.server.Serve(listener) }()
		conn, err := p.network.dial(t.Context(), "again")
		if err != nil {
			t.Fatal(err)
		}
		giveUp := time.AfterFunc(time.Minute, func() { conn.Close() })
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || !giveUp.Stop() {
			t.Errorf("a connection to it: %v", err)
		}
		conn.Close()
		listener.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A node that names itself as the leader, and does not lead, is not asked again by who
// asks at one node.
func TestANodeThatNamesItself(t *testing.T) {
	var itself string
	node := startScripted(t, "n1", func(frame) reaction {
		return reaction{err: &sequencer.NotLeaderError{LeaderID: "n1", LeaderAddress: itself}}
	})
	itself = node.address
	if _, err := AskAt(t.Context(), linksTo(t), node.address, positionOf(t.Context())); !errors.Is(err, sequencer.ErrNoLeader) || node.asked() != 1 {
		t.Errorf("%v after %d questions", err, node.asked())
	}
}

// A reference and a position travel with an order, whole or not at all.
func TestReferencesTravel(t *testing.T) {
	full := sequencer.OrderView{Seq: 1, Sale: 2, SaleID: "gig", User: "ann", Reference: "order 17", AsOfSeq: 3,
		AsOf: sequencer.Position{Birth: 1 << 40, Height: 1 << 41}}
	views := []sequencer.OrderView{full, {Reference: "alone"}, {AsOf: full.AsOf}, full}
	var data []byte
	for i := range views {
		data = appendOrderView(data, &views[i])
	}
	for i := range views {
		view, rest, err := decodeOrderView(data)
		if err != nil || !reflect.DeepEqual(view, views[i]) {
			t.Errorf("%+v arrives as %+v, %v", views[i], view, err)
		}
		data = rest
	}
	one := appendOrderView(nil, &full)
	for end := range len(one) {
		if _, _, err := decodeOrderView(one[:end]); !errors.Is(err, ErrFrame) {
			t.Errorf("%d of %d bytes: %v", end, len(one), err)
		}
	}
	if !bytes.HasSuffix(one, []byte("gigannorder 17")) {
		t.Errorf("%q", one)
	}
}
