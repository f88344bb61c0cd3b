package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"onsale/cluster/membership"
	"onsale/proof/testenv"
)

// alarm returns the alarm of a name that a node tells of its cluster.
func (n *testNode) alarm(name string) (found membership.Alarm, is bool) {
	raw, err := n.seller().Cluster(context.Background())
	if err != nil {
		return found, false
	}
	status := new(membership.ClusterStatus)
	if err := json.Unmarshal(raw, status); err != nil {
		n.t.Fatal(err)
	}
	for _, a := range status.Health.Alarms {
		if a.Name == name {
			return a, true
		}
	}
	return found, false
}

// A voter that is down is an alarm with one since, whichever node is asked and whoever leads;
// without a majority the one that is left says that nobody leads; both end by themselves.
func TestAlarmsSurviveAFailover(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	testenv.Eventually(t, time.Minute, "health", func() bool { return leader.shows("healthy,true", "health") })
	var left []*testNode
	var down *testNode
	for _, n := range nodes {
		if n != leader && down == nil {
			down = n
		} else {
			left = append(left, n)
		}
	}

	down.kill()
	testenv.Eventually(t, time.Minute, "the same alarm at both", func() bool {
		one, is := left[0].alarm(membership.AlarmNoTolerance)
		other, isThere := left[1].alarm(membership.AlarmNoTolerance)
		return is && isThere && one.Since.Equal(other.Since)
	})
	leadershipMoves(t, left)
	testenv.Eventually(t, time.Minute, "the words of cluster health", func() bool {
		code, text := left[0].try("health")
		return code == 1 && strings.Contains(text, membership.AlarmNoTolerance+" (critical) since ") && strings.Contains(text, "bring them back")
	})

	left[0].kill()
	testenv.Eventually(t, time.Minute, "nobody leads", func() bool {
		_, is := left[1].alarm(membership.AlarmNoLeader)
		return is
	})
	before, _ := left[1].alarm(membership.AlarmNoLeader)
	if again, is := left[1].alarm(membership.AlarmNoLeader); !is || !again.Since.Equal(before.Since) {
		t.Errorf("nobody leads since %s, asked again since %s (%t)", before.Since, again.Since, is)
	}
	left[0].start()
	down.start()
	testenv.Eventually(t, time.Minute, "health", func() bool { return left[1].shows("healthy,true", "health") })
}

// leadershipMoves hands the leadership over until the alarm that the next leader shows is
// the one of before. Nobody sees that a note was handed on: who takes office before it asked
// for it has a since of its own, which on a busy machine may happen once and again.
func leadershipMoves(t *testing.T, left []*testNode) {
	t.Helper()
	var before, after membership.Alarm
	at := func(n *testNode) (found membership.Alarm) {
		testenv.Eventually(t, time.Minute, "the alarm at "+n.id, func() (is bool) {
			found, is = n.alarm(membership.AlarmNoTolerance)
			return is
		})
		return found
	}
	for range 5 {
		before = at(left[0])
		time.Sleep(2 * noteHandedOn)
		leader, next := leaderAmong(t, left), left[0]
		if next == leader {
			next = left[1]
		}
		_, _ = leader.try("transfer", next.id) // who leads by then may be another one
		if leaderAmong(t, left) == leader {
			continue
		}
		if after = at(left[0]); after.Since.Equal(before.Since) && at(left[1]).Since.Equal(before.Since) {
			return
		}
	}
	t.Errorf("the alarm was since %s, and after the leadership moved since %s", before.Since, after.Since)
}

// noteHandedOn is how often a node asks the leader for its notes.
const noteHandedOn = 5 * time.Second
