package membership

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/raftfsm"
	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// cluster is a fake one as its leader n1 sees it: a list of members that are healthy or
// not, on which changes are made at once.
type cluster struct {
	mu       sync.Mutex
	leads    bool
	members  []raftfsm.Member
	sick     map[string]bool
	changes  []raftfsm.Change
	moved    int  // how many changes find that the membership has moved
	changing bool // a change is under way
	twice    bool // two were at once
	handover error
	doubt    error  // whether the membership is a majority's
	awaits   bool   // n1 wants a vote
	left     bool   // n1 was removed
	stays    string // a learner that wants no vote
	founders []raftfsm.Member
	during   func() // called in a change
	level    uint16
	raisedBy []string
	held     error                 // why buys are
	heard    [2]uint64             // of the leader: its commit index and seq
	heads    string                // who leads, as n1 hears; "-" is nobody
	gap      uint64                // where n1's journal begins
	speaks   map[string]uint16     // what other members speak; 1 when nothing is said
	doors    map[string][]FrontEnd // at members
}

// voters returns a fake cluster of n1, which leads, and others.
func voters(ids ...string) *cluster {
	c := &cluster{leads: true, sick: map[string]bool{}, level: 1, speaks: map[string]uint16{}, doors: map[string][]FrontEnd{}}
	for _, id := range ids {
		c.members = append(c.members, raftfsm.Member{ID: id, Address: id + ":7101", Voter: true})
	}
	return c
}

// manage returns a manager of the fake's leader.
func (c *cluster) manage(t *testing.T) *Manager {
	config := DefaultConfig()
	config.DataDir = t.TempDir()
	config.LevelMax = max(1, c.speaks["n1"])
	config.FrontEnds = func() []FrontEnd { return c.doors["n1"] }
	m := New(config, c, c, c, c)
	m.disk = func(context.Context, raftfsm.Member) (raftfsm.Disk, error) { return roomy, nil }
	m.there = func(_ context.Context, member raftfsm.Member) (*NodeStatus, string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.sick[member.ID] || !slices.ContainsFunc(c.members, func(o raftfsm.Member) bool { return o == member }) {
			return nil, "no answer"
		}
		return &NodeStatus{Status: raftfsm.Status{NodeID: member.ID, Term: 3, LastIndex: 100, AppliedIndex: 100}, Version: "v1",
			LevelMax: max(1, c.speaks[member.ID]), FrontEnds: c.doors[member.ID], StaysLearner: member.ID == c.stays}, ""
	}
	return m
}

func (c *cluster) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *cluster) made() []raftfsm.Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.changes)
}

func (c *cluster) Leads() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leads
}

func (c *cluster) Leader() error {
	if !c.Leads() {
		return &sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: "n2:7101"}
	}
	return nil
}

func (c *cluster) Identity() folder.Identity {
	return folder.Identity{NodeID: "n1", ClusterID: "00112233445566778899aabbccddeeff", Started: true, Bootstrap: c.founders, AwaitsVote: c.awaiting()}
}

func (c *cluster) awaiting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.awaits
}

func (c *cluster) Address() string { return "n1:7101" }

func (c *cluster) Status() raftfsm.Status {
	c.mu.Lock()
	s := raftfsm.Status{NodeID: "n1", LeaderID: "n1", Role: "leader", Term: 3, LastIndex: 100, AppliedIndex: 100, Level: c.level,
		ClusterID: "00112233445566778899aabbccddeeff", JournalFirstHeight: c.gap}
	if c.heads != "" && c.heads != "n1" {
		s.LeaderID, s.Role = strings.Trim(c.heads, "-"), "follower"
	}
	c.mu.Unlock()
	s.Members = c.List()
	return s
}

func (c *cluster) Decide(command *sequencer.Command) (result sequencer.Result, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if command.Kind != sequencer.KindLevel || command.Amount != int64(c.level)+1 {
		result.Code = sequencer.CodeBadRequest
		return result, nil
	}
	c.level++
	c.raisedBy = append(c.raisedBy, string(command.Actor))
	return result, nil
}

func (c *cluster) Disk() (raftfsm.Disk, error) { return raftfsm.Disk{FreeBytes: 1, SizeBytes: 1}, nil }

// HearLeader notes how far the leader said to be.
func (c *cluster) HearLeader(commitIndex, seq uint64) {
	c.set(func() { c.heard = [2]uint64{commitIndex, seq} })
}

func (c *cluster) hears() [2]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard
}

func (c *cluster) Fitness(bool) raftfsm.Fitness { return raftfsm.Fitness{NodeID: "n1"} }

func (c *cluster) MeetOthers(func(context.Context, bool) []raftfsm.Fitness) {}

func (c *cluster) HoldBuys(why error) { c.set(func() { c.held = why }) }

func (c *cluster) BuysHeld() (since time.Time, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Time{}, c.held
}

func (c *cluster) List() []raftfsm.Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.members)
}

func (c *cluster) Recorded() []raftfsm.Member { return c.List() }

func (c *cluster) Confirm() error { return c.doubt }

func (c *cluster) AwaitVote(wanted bool) error {
	c.set(func() { c.awaits = wanted })
	return nil
}

func (c *cluster) Leave() error {
	c.set(func() { c.left = true })
	return nil
}

func (c *cluster) Change(decide func([]raftfsm.Member) (raftfsm.Change, error)) error {
	c.set(func() { c.twice, c.changing = c.twice || c.changing, true })
	defer c.set(func() { c.changing = false })
	change, err := decide(c.List())
	if err != nil || change.Kind == raftfsm.NoChange {
		return err
	}
	if c.during != nil {
		c.during()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moved > 0 {
		c.moved--
		return raftfsm.ErrMembershipMoved
	}
	c.changes = append(c.changes, change)
	at := slices.IndexFunc(c.members, func(m raftfsm.Member) bool { return m.ID == change.ID })
	is := raftfsm.Member{ID: change.ID, Address: change.Address, Voter: change.Kind == raftfsm.AddVoter}
	switch {
	case change.Kind == raftfsm.Remove:
		c.members = slices.Delete(c.members, at, at+1)
	case change.Kind == raftfsm.Demote:
		c.members[at].Voter = false
	case at < 0:
		c.members = append(c.members, is)
	default:
		c.members[at] = is
	}
	return nil
}

func (c *cluster) Transfer(string) error { return c.handover }

func (c *cluster) Begin([]raftfsm.Member) error { return nil }

func (c *cluster) Adopt(peer.ClusterID, uint8, []raftfsm.Member, bool) error { return nil }

func (c *cluster) SameHistory(uint64, string) (bool, error) { return true, nil }

func (c *cluster) Newest() []raftfsm.Checkpoint { return nil }

func (c *cluster) Reached() <-chan struct{} { return nil }

func (c *cluster) Propose(map[string][]raftfsm.Checkpoint, uint64) uint64 { return 0 }

// joining is what a node says that asks to be let in.
func joining(id string) *join {
	return &join{Node: raftfsm.Member{ID: id, Address: id + ":7101"}}
}
