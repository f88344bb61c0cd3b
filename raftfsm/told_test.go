package raftfsm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/sequencer"
)

// heard is what somebody was told of who leads, and when.
type heard struct {
	mu   sync.Mutex
	news map[string]time.Duration // since the beginning, the first time each
}

func (h *heard) from(began time.Time) func(id, address string) {
	h.news = map[string]time.Duration{}
	return func(id, address string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, told := h.news[id+"@"+address]; !told {
			h.news[id+"@"+address] = time.Since(began)
		}
	}
}

func (h *heard) first(who string) (after time.Duration, told bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	after, told = h.news[who]
	return after, told
}

// Who follows the leader is told of an election when it happens, and not when it looks
// next: a front-end sends nothing meanwhile.
func TestFollowLeaderIsToldAtOnce(t *testing.T) {
	c := testConfig(t, "n1")
	c.DataDir = testenv.MemoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		c.RaftAddress, c.Bootstrap, c.Transport = "n1", []Member{{ID: "n1", Address: "n1"}}, newNetwork(1).open("n1")
		n := mustOpen(t, c)
		var h heard
		n.FollowLeader(h.from(time.Now()))
		began := time.Now()
		var elected time.Duration
		for elected == 0 {
			time.Sleep(time.Millisecond)
			if _, id := n.raft.LeaderWithID(); id != "" {
				elected = time.Since(began)
			}
		}
		synctest.Wait()
		if after, told := h.first("n1@n1"); !told || after > elected || elected >= time.Second {
			t.Errorf("elected after %v, told (%t) after %v", elected, told, after)
		}
		if after, told := h.first("@"); !told || after != 0 {
			t.Errorf("that nobody leads is told (%t) after %v", told, after)
		}
		mustClose(t, n) // and nobody is told any more: the bubble ends
	})
}

// What became of a change of the membership is told so that the sender knows what to do.
func TestWhatBecameOfAMembershipChange(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	m, odd := n.membership, errors.New("odd")
	members := m.List()
	other := []Member{{ID: "n2", Voter: true}}
	for name, c := range map[string]struct {
		err    error
		before []Member
		want   error // what is told is one, and none of the others
	}{
		"done":                          {nil, members, nil},
		"another leads":                 {raft.ErrNotLeader, members, sequencer.ErrNoLeader},
		"the leader hands over":         {raft.ErrLeadershipTransferInProgress, members, sequencer.ErrNoLeader},
		"the leader was deposed":        {raft.ErrLeadershipLost, members, sequencer.ErrOutcomeUnknown},
		"the node stops":                {raft.ErrRaftShutdown, members, sequencer.ErrOutcomeUnknown},
		"the membership is another one": {odd, other, ErrMembershipMoved},
		"refused":                       {odd, members, odd},
	} {
		err := m.explain(c.err, c.before)
		for _, known := range []error{sequencer.ErrNoLeader, sequencer.ErrOutcomeUnknown, ErrMembershipMoved} {
			if errors.Is(err, known) != errors.Is(c.want, known) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !errors.Is(err, c.want) || c.want != nil && !errors.Is(c.want, sequencer.ErrNoLeader) && !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What decide refuses or leaves as it is changes nothing.
func TestMembershipThatIsLeftAsItIs(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	eventually(t, "leadership", leads(n))
	odd := errors.New("odd")
	if err := n.Membership().Change(func([]Member) (Change, error) { return Change{Kind: Remove, ID: "n1"}, odd }); !errors.Is(err, odd) {
		t.Errorf("refused: %v", err)
	}
	if err := n.Membership().Change(func(m []Member) (Change, error) { return Change{ID: m[0].ID}, nil }); err != nil {
		t.Errorf("left: %v", err)
	}
	if err := n.Membership().Change(func(m []Member) (Change, error) { m[0].Voter = false; return Change{}, nil }); err != nil {
		t.Errorf("left: %v", err)
	}
	if members := n.membership.List(); len(members) != 1 || !members[0].Voter {
		t.Errorf("members %+v", members)
	}
	if is := n.membership.at("nowhere"); is.ID != "" {
		t.Errorf("%q is nowhere", is.ID)
	}
	if a := n.membership.addressOf("n1"); a != n.Address() || n.membership.at(raft.ServerAddress(a)).ID != "n1" || n.membership.addressOf("n2") != "" {
		t.Errorf("n1 is at %q", a)
	}
	mustClose(t, n)
	if err := n.Membership().Change(func([]Member) (Change, error) { return Change{}, nil }); !errors.Is(err, sequencer.ErrNoLeader) {
		t.Errorf("a node that is closed: %v", err)
	}
}

// A node belongs to one cluster for ever.
func TestAdoptOnce(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	own, number := n.data.Owner.Cluster()
	if err := n.Membership().Adopt(own, number+1, nil, false); err != nil {
		t.Errorf("its own: %v", err)
	}
	other := own
	other[0]++
	if err := n.Membership().Adopt(other, 9, nil, false); !errors.Is(err, ErrBelongs) {
		t.Errorf("another one: %v", err)
	}
	if err := n.Membership().Begin([]Member{{ID: "n1"}}); !errors.Is(err, ErrBelongs) {
		t.Errorf("a new one: %v", err)
	}
	if id, now := n.data.Owner.Cluster(); id != own || now != number {
		t.Errorf("it belongs to %v with %d", id, now)
	}
}

// Two changes at once are decided one after the other: the second looks at what the first
// one made of the members.
func TestChangesAreDecidedOneAfterTheOther(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	var deciding, seen atomic.Int32
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			err := n.Membership().Change(func(members []Member) (Change, error) {
				if deciding.Add(1) != 1 {
					t.Error("two are decided at a time")
				}
				time.Sleep(time.Millisecond) // for the others to come
				seen.Add(int32(len(members)))
				deciding.Add(-1)
				return Change{Kind: AddLearner, ID: fmt.Sprint("l", i), Address: fmt.Sprint("127.0.0.1:", 1+i)}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if total := seen.Load(); total != 1+2+3+4+5+6+7+8 || len(n.Membership().List()) != 9 {
		t.Errorf("the eight saw %d members together; there are %d", total, len(n.Membership().List()))
	}
}
