package forward

import (
	"bytes"
	"cmp"
	"net"
	"slices"

	"onsale/raftfsm/peer"
)

// FrontEnds returns who of the callers that are connected are front-ends, each id, level,
// build, cluster and list of keys of pseudonyms once, by id.
func (s *Server) FrontEnds() []peer.Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return frontEnds(s.conns)
}

func frontEnds(conns map[net.Conn]struct{}) (all []peer.Identity) {
	for conn := range conns {
		if known, ok := conn.(*peer.Conn); ok && known.Peer.Role == peer.FrontEnd {
			all = append(all, known.Peer)
		}
	}
	slices.SortFunc(all, func(a, b peer.Identity) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Speaks, b.Speaks), cmp.Compare(a.Build, b.Build), bytes.Compare(a.Cluster[:], b.Cluster[:]),
			slices.Compare(a.PseudonymKeys[:], b.PseudonymKeys[:]))
	})
	return slices.CompactFunc(all, func(a, b peer.Identity) bool {
		return a.ID == b.ID && a.Speaks == b.Speaks && a.Build == b.Build && a.Cluster == b.Cluster && a.PseudonymKeys == b.PseudonymKeys
	})
}
