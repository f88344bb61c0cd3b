package forward

import (
	"fmt"
	"net"
	"testing"

	"onsale/raftfsm/peer"
)

// Each front-end is told once, however many connections it has; nodes are not told.
func TestFrontEnds(t *testing.T) {
	conns := map[net.Conn]struct{}{}
	for _, is := range []peer.Identity{
		{ID: "f2", Role: peer.FrontEnd, Speaks: 1}, {ID: "f1", Role: peer.FrontEnd, Speaks: 2}, {ID: "f1", Role: peer.FrontEnd, Speaks: 2},
		{ID: "f1", Role: peer.FrontEnd, Speaks: 1}, {ID: "n1", Role: peer.Node, Speaks: 2},
	} {
		conns[&peer.Conn{Peer: is}] = struct{}{}
	}
	var got string
	for _, f := range frontEnds(conns) {
		got += fmt.Sprintf("%s %d, ", f.ID, f.Speaks)
	}
	if want := "f1 1, f1 2, f2 1, "; got != want {
		t.Errorf("%s want %s", got, want)
	}
}
