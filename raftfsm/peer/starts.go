package peer

import "sync"

// startsMax bounds the nodes whose starts are remembered; more than a cluster ever has.
const startsMax = 1 << 10

// Starts remembers the highest start number of each node of the cluster that this process
// met: of two processes with one id, the one with the lower number is refused. It is
// shared by what a process dials and what it accepts. The zero value is ready; all methods
// are safe for concurrent use.
type Starts struct {
	mu      sync.Mutex
	highest map[string]uint64 // by node id
}

// Note notes the start of a node that was met, and reports whether it is not behind
// another one of that id. What does not fit any more is not noted: who has a certificate
// for so many ids is not held back by this.
func (s *Starts) Note(id string, start uint64) (current bool) {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.highest == nil {
		s.highest = map[string]uint64{}
	}
	known, met := s.highest[id]
	if start < known {
		return false
	}
	if met || len(s.highest) < startsMax {
		s.highest[id] = start
	}
	return true
}
