package forward

import (
	"slices"
	"sync"
	"time"
)

// Directory knows where a cluster's nodes are and who leads, as far as this
// process was told.
type Directory struct {
	mu        sync.Mutex
	addresses []string // of peers' ports
	leaderID  string
	leader    string // address; "" when unknown
	turn      int
	missed    string        // where nobody answered last,
	missedAt  time.Time     // and when
	changed   chan struct{} // closed and replaced when the leader changes
}

// NewDirectory returns a directory of nodes.
func NewDirectory(addresses []string) *Directory {
	return &Directory{addresses: slices.Clone(addresses), changed: make(chan struct{})}
}

// SetAddresses replaces the nodes' addresses.
func (d *Directory) SetAddresses(addresses []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(addresses) > 0 {
		d.addresses = slices.Clone(addresses)
	}
}

// Addresses returns the nodes' addresses.
func (d *Directory) Addresses() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.addresses)
}

// SetLeader notes who leads; an empty address means that nobody is known to.
func (d *Directory) SetLeader(id, address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.leaderID == id && d.leader == address {
		return
	}
	d.leaderID, d.leader = id, address
	close(d.changed)
	d.changed = make(chan struct{})
}

// Leader returns who leads, and what is closed when that changes.
func (d *Directory) Leader() (id, address string, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leaderID, d.leader, d.changed
}

// suspect forgets a leader that could not be reached, unless another one was
// heard of since.
func (d *Directory) suspect(address string) {
	d.mu.Lock()
	known := d.leader
	d.mu.Unlock()
	if known == address {
		d.SetLeader("", "")
	}
}

// missedTime is for how long a node that did not answer is passed over while there are
// others: one that hangs costs an AttemptTimeout each time.
const missedTime = 2 * time.Second

// miss notes that nobody answered at an address.
func (d *Directory) miss(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missed, d.missedAt = address, time.Now()
}

// found notes who led just now, unless somebody is known to lead: without news of a
// leader the next batch would be tried at one node after the other again, and one that
// hangs costs each an AttemptTimeout.
func (d *Directory) found(id, address string) {
	if _, known, _ := d.Leader(); known == "" {
		d.SetLeader(id, address)
	}
}

// candidate is a node that may lead.
type candidate struct{ id, address string } // id is "" when it is not known

// candidate returns where to try next: the leader, or one node after the other; no
// address when no nodes are known.
func (d *Directory) candidate() candidate {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.leader != "" {
		return candidate{d.leaderID, d.leader}
	}
	if len(d.addresses) == 0 {
		return candidate{}
	}
	d.turn++
	if d.addresses[d.turn%len(d.addresses)] == d.missed && time.Since(d.missedAt) < missedTime {
		d.turn++
	}
	return candidate{"", d.addresses[d.turn%len(d.addresses)]}
}
