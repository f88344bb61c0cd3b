package membership

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/codes"
	"onsale/cluster/forward"
	"onsale/raftfsm"
	"onsale/sequencer"
)

// attended lets a node look after itself for a minute.
func attended(t *testing.T, c *cluster) {
	m := c.manage(t)
	m.links = forward.NewLinks(nil, forward.NewDirectory(nil)) // to nobody
	m.finished.Go(m.attend)
	time.Sleep(time.Minute)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// A node wants its vote until it has it, however long nobody leads.
func TestVoteIsAwaited(t *testing.T) {
	for name, test := range map[string]struct{ voter, leads, awaits bool }{
		"has its vote":  {voter: true, leads: true},
		"nobody leads":  {awaits: true},
		"is not one of": {leads: true, awaits: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := voters("n1", "n2", "n3")
				c.members[0].Voter, c.leads, c.awaits = test.voter, test.leads, true
				attended(t, c)
				if c.awaits != test.awaits {
					t.Errorf("it awaits its vote: %t", c.awaits)
				}
			})
		})
	}
}

// A leader that moved has its new address noted, once.
func TestLeaderThatMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := voters("n1", "n2", "n3")
		c.members[0].Address = "before:7101"
		attended(t, c)
		if want := []raftfsm.Change{{Kind: raftfsm.AddVoter, ID: "n1", Address: "n1:7101"}}; !slices.Equal(c.made(), want) {
			t.Errorf("changes %+v", c.made())
		}
	})
}

// A node that is no member is told that it was removed when that is sure, and only then.
func TestRemovedIsTold(t *testing.T) {
	ask := joining("n4")
	ask.Member = true
	c := voters("n1", "n2", "n3")
	if _, err := c.manage(t).admit(t.Context(), ask); !errors.Is(err, codes.ErrRemoved) {
		t.Errorf("a removed node: %v", err)
	}
	c.doubt = &sequencer.NotLeaderError{LeaderID: "n2"}
	if _, err := c.manage(t).admit(t.Context(), ask); errors.Is(err, codes.ErrRemoved) || !errors.Is(err, sequencer.ErrNoLeader) {
		t.Errorf("a leader that was deposed: %v", err)
	}
}

// A learner that was told to stay one gets no vote, though its last reminder came late.
func TestLearnerIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := voters("n1", "n2", "n3")
		c.stays = "n4"
		m := c.manage(t)
		m.Start(nil)
		if _, err := m.admit(t.Context(), joining("n4")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if at := indexOf(c.List(), "n4"); at < 0 || c.List()[at].Voter {
			t.Errorf("members %+v", c.List())
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
