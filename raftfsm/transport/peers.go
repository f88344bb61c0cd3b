package transport

import (
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Peers is how far this node has brought the others, as the leader: what it must keep of its
// log for them, and whom it does not reach. All methods are safe for concurrent use.
//
// raft v1.8.0 cuts the log behind each snapshot to a number of entries, whoever needs more,
// and a member that it has to send a snapshot to needs the log behind that one: while the
// state is large, so much is sold until the snapshot is built there that the next one has cut
// the log again, and the member is sent that, and so on. So the log stays from where a member
// is, while it is sent a snapshot and until it was away for AwayMax.
//
// And raft pauses before it sends to a member that failed, longer each time, up to 10 s. So
// an append to a member that does not answer waits for its next heartbeat, which raft sends
// all the time, and fails seldom (await).
type Peers struct {
	// AwayMax is for how long the log is kept for a member that is not heard.
	AwayMax time.Duration
	// Leads reports whether this node leads a cluster of which id is a member: else nobody
	// waits for it.
	Leads func(id raft.ServerID) bool
	// Stop is closed when the node stops.
	Stop <-chan struct{}

	mu sync.Mutex
	at map[raft.ServerID]*progress
}

// progress is how far one member is.
type progress struct {
	acked uint64    // everything up to here is in its log
	heard time.Time // when it last said so
	// installing is how many snapshots are on their way to it, and snapshot the index of the
	// newest of them.
	installing int
	snapshot   uint64
	// answers is closed when the member answers again; nil while it does.
	answers chan struct{}
}

// of returns the progress of a member; mu is held.
func (p *Peers) of(id raft.ServerID) *progress {
	if p.at == nil {
		p.at = map[raft.ServerID]*progress{}
	}
	if p.at[id] == nil {
		p.at[id] = new(progress)
	}
	return p.at[id]
}

// Needs returns the lowest index of the log that a member needs: the entry that the next one
// for it is compared with. 0 when none needs any.
func (p *Peers) Needs(now time.Time) (lowest uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, is := range p.at {
		from := is.acked
		switch {
		case is.installing > 0:
			from = is.snapshot
		case now.Sub(is.heard) > p.AwayMax:
			continue
		}
		if from > 0 && (lowest == 0 || from < lowest) {
			lowest = from
		}
	}
	return lowest
}

// Awaited returns how many members this node sends the log to when they answer again.
func (p *Peers) Awaited() (count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, is := range p.at {
		if is.answers != nil && p.Leads(id) {
			count++
		}
	}
	return count
}

// answered notes what a member said to an append.
func (p *Peers) answered(id raft.ServerID, c *raft.AppendEntriesRequest, r *raft.AppendEntriesResponse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.of(id)
	is.answer()
	if isHeartbeat(c) || r.Term > c.Term {
		return
	}
	switch n := len(c.Entries); {
	case !r.Success: // it has less, or others
		is.acked = r.LastLog
	case n > 0:
		is.acked = c.Entries[n-1].Index
	default:
		is.acked = c.PrevLogEntry
	}
	is.heard = time.Now()
}

// answer ends the wait for a member.
func (is *progress) answer() {
	if is.answers != nil {
		close(is.answers)
		is.answers = nil
	}
}

// failed notes that a member did not answer.
func (p *Peers) failed(id raft.ServerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if is := p.of(id); is.answers == nil {
		is.answers = make(chan struct{})
	}
}

// install notes that a snapshot is on its way to a member. Who calls it calls installed.
func (p *Peers) install(id raft.ServerID, index uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.of(id)
	is.installing, is.snapshot = is.installing+1, index
}

// installed notes how that ended.
func (p *Peers) installed(id raft.ServerID, index uint64, success bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.of(id)
	is.installing--
	if success {
		is.acked, is.heard = index, time.Now()
		is.answer()
	}
}

// Installing returns how many snapshots are on their way to members.
func (p *Peers) Installing() (count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, is := range p.at {
		count += is.installing
	}
	return count
}

// errNotAwaited is returned when this node does not lead any more, or stops, while it waited
// for a member, or has removed it.
var errNotAwaited = errors.New("the member does not answer, and is not waited for any more")

// awaitInterval is how often is looked whether a member must still be waited for.
const awaitInterval = time.Second

// await returns when a member answers. What if a member answers heartbeats and no append,
// because its disk hangs? Each append fails in its time, and raft pauses as ever.
func (p *Peers) await(id raft.ServerID) error {
	p.mu.Lock()
	answers := p.of(id).answers
	p.mu.Unlock()
	if answers == nil {
		return nil
	}
	ticker := time.NewTicker(awaitInterval)
	defer ticker.Stop()
	for {
		select {
		case <-answers:
			return nil
		case <-p.Stop:
			return errNotAwaited
		case <-ticker.C:
			if !p.Leads(id) {
				return errNotAwaited
			}
		}
	}
}

// isHeartbeat reports whether an append is one of raft's heartbeats, which the transports
// answer beside raft's queue: it says nothing of the log.
func isHeartbeat(c *raft.AppendEntriesRequest) bool {
	return c.Term != 0 && c.PrevLogEntry == 0 && c.PrevLogTerm == 0 && len(c.Entries) == 0 && c.LeaderCommitIndex == 0
}
