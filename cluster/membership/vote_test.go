package membership

import (
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/forward"
)

// A node that was let in waits for its vote, however long nobody leads, and no longer
// than it has it or its manager ends. Who is a learner for good waits for none.
func TestAwaitVote(t *testing.T) {
	for name, test := range map[string]struct {
		learner, voter bool
		during         func(c *cluster, m *Manager)
		least, most    time.Duration
	}{
		"a learner for good": {learner: true},
		"has its vote":       {voter: true, least: voteInterval, most: voteInterval},
		"gets it later": {
			during: func(c *cluster, _ *Manager) {
				time.AfterFunc(time.Minute, func() { c.set(func() { c.members[0].Voter = true }) })
			},
			least: time.Minute, most: time.Minute + joinTimeout + 2*voteInterval,
		},
		"the manager ends": {
			during: func(_ *cluster, m *Manager) { time.AfterFunc(time.Minute, m.cancel) },
			least:  time.Minute, most: time.Minute + voteInterval,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := voters("n1", "n2", "n3")
				c.members[0].Voter = test.voter
				m := c.manage(t)
				m.links = forward.NewLinks(nil, forward.NewDirectory(nil)) // to nobody
				if test.during != nil {
					test.during(c, m)
				}

				began := time.Now()
				m.awaitVote(test.learner)
				if took := time.Since(began); took < test.least || took > test.most {
					t.Errorf("it waited %v", took)
				}
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
