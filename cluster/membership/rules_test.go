package membership

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// A learner gets its vote after it was healthy for the stable time without a break,
// not before; who wants none stays a learner; a node that does not lead gives none.
func TestLearnersGetTheirVote(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *cluster, m *Manager, j *join)
		after  time.Duration // 0: never
	}{
		"healthy": {func(*cluster, *Manager, *join) {}, 10 * time.Second},
		"with a break": {func(c *cluster, _ *Manager, _ *join) {
			time.AfterFunc(8*time.Second, func() { c.set(func() { c.sick["n4"] = true }) })
			time.AfterFunc(9*time.Second, func() { c.set(func() { c.sick["n4"] = false }) })
		}, 19 * time.Second},
		"a learner for good": {func(_ *cluster, _ *Manager, j *join) { j.Learner = true }, 0},
		"sick":               {func(c *cluster, _ *Manager, _ *join) { c.sick["n4"] = true }, 0},
		"another leads": {func(c *cluster, _ *Manager, _ *join) {
			time.AfterFunc(time.Second, func() { c.set(func() { c.leads = false }) })
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, j := voters("n1", "n2", "n3"), joining("n4")
				m := c.manage(t)
				test.change(c, m, j)
				m.Start(nil)
				if _, err := m.admit(t.Context(), j); err != nil {
					t.Fatal(err)
				}
				began, voted := time.Now(), time.Duration(0)
				for range 300 {
					time.Sleep(100 * time.Millisecond)
					if at := indexOf(c.List(), "n4"); at >= 0 && c.List()[at].Voter {
						voted = time.Since(began)
						break
					}
				}
				if voted < test.after || voted > test.after+time.Second || test.after == 0 && voted != 0 {
					t.Errorf("voted after %v, want %v", voted, test.after)
				}
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A node that is removed while it waits for its vote is out: it gets none, and its
// reminders are refused. As a new node it may join again.
func TestRemovedWhileJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := voters("n1", "n2", "n3")
		m := c.manage(t)
		m.Start(nil)
		if _, err := m.admit(t.Context(), joining("n4")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Second)
		if _, err := m.Change(t.Context(), &Request{Step: "remove", ID: "n4"}); err != nil {
			t.Fatal(err)
		}
		reminder := joining("n4")
		reminder.Member = true
		if _, err := m.admit(t.Context(), reminder); !errors.Is(err, codes.ErrRefused) {
			t.Errorf("a reminder of a removed node: %v", err)
		}
		time.Sleep(time.Minute)
		want := []raftfsm.Change{{Kind: raftfsm.AddLearner, ID: "n4", Address: "n4:7101"}, {Kind: raftfsm.Remove, ID: "n4"}}
		if got := c.made(); !slices.Equal(got, want) {
			t.Errorf("changes %+v", got)
		}
		began := time.Now()
		if _, err := m.admit(t.Context(), joining("n4")); err != nil {
			t.Fatal(err)
		}
		for len(c.made()) < 4 {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(began); took < 10*time.Second {
			t.Errorf("it got its vote after %v: what it had waited before counted", took)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// No change leaves fewer healthy voters than a quorum, unless it is forced.
func TestQuorumIsKept(t *testing.T) {
	for _, test := range []struct {
		voters, sick []string
		step, id     string
		force        bool
		want         error
		left         int // members
	}{
		{[]string{"n1", "n2", "n3"}, nil, "remove", "n3", false, nil, 2},
		{[]string{"n1", "n2", "n3"}, nil, "demote", "n3", false, nil, 3},
		{[]string{"n1", "n2", "n3"}, []string{"n3"}, "remove", "n3", false, nil, 2},
		{[]string{"n1", "n2", "n3"}, []string{"n3"}, "remove", "n2", false, codes.ErrQuorumAtRisk, 3},
		{[]string{"n1", "n2", "n3"}, []string{"n3"}, "demote", "n2", false, codes.ErrQuorumAtRisk, 3},
		{[]string{"n1", "n2", "n3"}, []string{"n3"}, "remove", "n2", true, nil, 2},
		{[]string{"n1", "n2"}, nil, "remove", "n2", false, nil, 1},
		{[]string{"n1", "n2", "n3", "n4"}, []string{"n4"}, "remove", "n3", false, nil, 3},
		{[]string{"n1", "n2", "n3", "n4"}, []string{"n3", "n4"}, "remove", "n2", false, codes.ErrQuorumAtRisk, 4},
		{[]string{"n1", "n2", "n3", "n4", "n5"}, []string{"n4", "n5"}, "remove", "n3", false, codes.ErrQuorumAtRisk, 5},
		{[]string{"n1", "n2", "n3"}, nil, "remove", "n9", false, raftfsm.ErrNotMember, 3},
		{[]string{"n1", "n2", "n3"}, nil, "demote", "n9", false, raftfsm.ErrNotMember, 3},
		{[]string{"n1", "n2", "n3"}, nil, "promote", "n9", false, raftfsm.ErrNotMember, 3},
		{[]string{"n1", "n2", "n3"}, nil, "promote", "n2", false, nil, 3},
		{[]string{"n1", "n2", "n3"}, nil, "remove", "", false, codes.ErrRequest, 3},
		{[]string{"n1", "n2", "n3"}, nil, "transfer", "n9", false, raftfsm.ErrNotMember, 3},
		{[]string{"n1", "n2", "n3"}, nil, "transfer", "n1", false, codes.ErrStep, 3},
		{[]string{"n1", "n2", "n3"}, []string{"n3"}, "transfer", "n3", false, codes.ErrStep, 3},
		{[]string{"n1", "n2", "n3"}, nil, "crown", "n2", false, codes.ErrRequest, 3},
	} {
		c := voters(test.voters...)
		for _, id := range test.sick {
			c.sick[id] = true
		}
		m := c.manage(t)
		_, err := m.Change(t.Context(), &Request{Step: test.step, ID: test.id, Force: test.force})
		if test.want == nil && err != nil || test.want != nil && !errors.Is(err, test.want) || len(c.List()) != test.left {
			t.Errorf("%+v: %v, %d members are left", test, err, len(c.List()))
		}
	}
}

// Removals that are asked for at once are made one after the other, each judged by what
// the one before has left.
func TestOneChangeAtATime(t *testing.T) {
	c := voters("n1", "n2", "n3", "n4", "n5")
	c.during = func() { time.Sleep(time.Millisecond) }
	// n4 and n5 are sick: without one of the healthy ones no quorum is left.
	c.sick["n4"], c.sick["n5"] = true, true
	m := c.manage(t)
	var group sync.WaitGroup
	refused := make(chan string, 2)
	for _, id := range []string{"n2", "n3"} {
		group.Go(func() {
			if _, err := m.Change(context.Background(), &Request{Step: "remove", ID: id}); errors.Is(err, codes.ErrQuorumAtRisk) {
				refused <- id
			}
		})
	}
	group.Wait()
	if len(refused) != 2 || len(c.List()) != 5 {
		t.Fatalf("%d were refused, %d members are left", len(refused), len(c.List()))
	}
	c.set(func() { clear(c.sick) })
	for _, id := range []string{"n2", "n3", "n4", "n5"} {
		group.Go(func() {
			if _, err := m.Change(context.Background(), &Request{Step: "remove", ID: id}); err != nil {
				t.Errorf("remove %s: %v", id, err)
			}
		})
	}
	group.Wait()
	if c.twice || len(c.List()) != 1 {
		t.Errorf("two changes at once: %t; members %v", c.twice, c.List())
	}
}

// A change that finds another membership than it was decided on is decided again, and
// given up when that never ends.
func TestMembershipThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := voters("n1", "n2", "n3")
		m := c.manage(t)
		c.moved = changeAttemptsMax - 1
		if _, err := m.Change(t.Context(), &Request{Step: "remove", ID: "n3"}); err != nil {
			t.Errorf("the last attempt: %v", err)
		}
		c.moved = changeAttemptsMax
		if _, err := m.Change(t.Context(), &Request{Step: "remove", ID: "n2"}); !errors.Is(err, raftfsm.ErrMembershipMoved) {
			t.Errorf("without an end: %v", err)
		}
	})
}

// A leader that cannot hand over is not removed.
func TestLeaderIsNotRemoved(t *testing.T) {
	c := voters("n1", "n2", "n3")
	c.handover = errors.New("nobody is up")
	if _, err := c.manage(t).Change(t.Context(), &Request{Step: "remove", ID: "n1"}); !errors.Is(err, codes.ErrQuorumAtRisk) || len(c.List()) != 3 {
		t.Errorf("%v, %d members", err, len(c.List()))
	}
}

// Who asks to be let in is the node that it says, at an address of its own, and has not
// forgotten its votes.
func TestAdmission(t *testing.T) {
	founder := raftfsm.Member{ID: "n2", Address: "n2:7101", Folder: "f2"}
	moved := joining("n2")
	moved.Node.Address, moved.Started = "elsewhere:7101", true
	for name, test := range map[string]struct {
		ask    *join
		sick   string
		want   error
		change raftfsm.ChangeKind
	}{
		"new":                                    {ask: joining("n4"), change: raftfsm.AddLearner},
		"at another's address":                   {ask: &join{Node: raftfsm.Member{ID: "n4", Address: "n2:7101"}}, want: codes.ErrRefused},
		"a voter with an empty folder":           {ask: joining("n3"), want: codes.ErrRefused},
		"a founder that has not begun":           {ask: &join{Node: founder}},
		"a founder's id with another folder":     {ask: &join{Node: raftfsm.Member{ID: "n2", Address: "n2:7101", Folder: "f9"}}, want: codes.ErrRefused},
		"a voter again":                          {ask: &join{Node: raftfsm.Member{ID: "n3", Address: "n3:7101"}, Started: true}},
		"a voter that moved":                     {ask: moved, sick: "n2", change: raftfsm.AddVoter},
		"a second node of the same id elsewhere": {ask: moved, want: codes.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			c := voters("n1", "n2", "n3")
			c.founders = []raftfsm.Member{founder}
			c.sick[test.sick] = true
			_, err := c.manage(t).admit(t.Context(), test.ask)
			if test.want == nil && err != nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%v", err)
			}
			got := raftfsm.NoChange
			if made := c.made(); len(made) > 0 {
				got = made[0].Kind
			}
			if got != test.change {
				t.Errorf("change %d, want %d", got, test.change)
			}
		})
	}
	c := voters("n1", "n2", "n3")
	c.leads = false
	_, err := c.manage(t).admit(t.Context(), joining("n4"))
	if leader, named := errors.AsType[*sequencer.NotLeaderError](err); !named || leader.LeaderAddress != "n2:7101" {
		t.Errorf("a node that does not lead: %v", err)
	}
}

// Administration is for nodes, and nobody joins in another one's name.
func TestWhoMayAsk(t *testing.T) {
	m := voters("n1", "n2", "n3").manage(t)
	for _, test := range []struct {
		from peer.Identity
		verb string
		body string
		want error
	}{
		{peer.Identity{ID: "f1", Role: peer.FrontEnd}, verbChange, `{"step":"remove","id":"n3"}`, codes.ErrRejected},
		{peer.Identity{ID: "f1", Role: peer.FrontEnd}, verbJoin, `{}`, codes.ErrRejected},
		{peer.Identity{ID: "f1", Role: peer.FrontEnd}, verbStatus, `{}`, nil},
		{peer.Identity{ID: "n4", Role: peer.Node}, verbJoin, `{"node":{"id":"n5","address":"n5:1"}}`, codes.ErrRejected},
		{peer.Identity{ID: "n4", Role: peer.Node}, verbJoin, `{"node":{"id":"n4","address":"n4:1"}}`, nil},
		{peer.Identity{ID: "n4", Role: peer.Node}, verbChange, `[`, codes.ErrRequest},
		{peer.Identity{ID: "n4", Role: peer.Node}, "crown", `{}`, codes.ErrRequest},
	} {
		_, err := m.Control(t.Context(), test.from, test.verb, []byte(test.body))
		if test.want == nil && err != nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s asks %s: %v", test.from.ID, test.verb, err)
		}
	}
}

// Health is measured against the leader, and tolerance counts healthy voters.
func TestHealth(t *testing.T) {
	for sick := range 4 {
		c := voters("n1", "n2", "n3", "n4", "n5")
		for i := range sick {
			c.sick[fmt.Sprint("n", 5-i)] = true
		}
		status := c.manage(t).Status(t.Context())
		h := status.Health
		if h.Voters != 5 || h.HealthyVoters != 5-sick || h.Quorum != 3 || h.FailureTolerance != max(0, 2-sick) || h.Healthy != (sick == 0) {
			t.Errorf("%d sick: %+v", sick, h)
		}
	}
}
