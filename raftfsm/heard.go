package raftfsm

import (
	"sync"

	"onsale/raftfsm/folder"
)

// A member that comes back under another address asks the leader to note it. Without a
// leader nobody does: when two of three come back elsewhere while nobody leads, and the third
// has the longest log, no one else can win an election, and it does not know where to ask for
// votes. So every node remembers where a member that asks for its vote says that it is, and
// reaches it there until the membership says something new. It is memory alone, and a hint
// alone: every connection proves which node is at its other end.

// heardAddresses are where members have said that they are, other than their membership has
// it. All methods are safe for concurrent use.
type heardAddresses struct {
	mu    sync.Mutex
	moves map[string]folder.Move // by the member's id
}

// note takes up where a member says that it is; recorded is what the log says of it.
func (h *heardAddresses) note(recorded Member, address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if recorded.Address == address {
		delete(h.moves, recorded.ID)
		return
	}
	if h.moves == nil {
		h.moves = map[string]folder.Move{}
	}
	h.moves[recorded.ID] = folder.Move{ID: recorded.ID, From: recorded.Address, To: address}
}

// of returns where a member said that it is; nothing when it has not, or when the log has
// another address of it since.
func (h *heardAddresses) of(recorded Member) (address string, is bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	move, is := h.moves[recorded.ID]
	return move.To, is && move.From == recorded.Address
}

// forget drops what a member said when nobody who is that member was found there.
func (h *heardAddresses) forget(id, address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.moves[id].To == address {
		delete(h.moves, id)
	}
}

// hear takes up where a member that asks for a vote says that it is.
func (m *Membership) hear(id, address string) {
	for _, member := range m.Recorded() {
		if member.ID == id && id != m.config.NodeID && address != "" {
			m.heard.note(member, address)
		}
	}
}
