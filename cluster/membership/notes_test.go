package membership

import (
	"testing"
	"time"

	"onsale/raftfsm"
)

// What has ended since a node looked at itself last is told to nobody.
func TestWhatHasEndedIsNotTold(t *testing.T) {
	n := &notes{since: map[string]time.Time{}}
	n.look(&raftfsm.Status{ClusterID: "c"}, time.Unix(1, 0))
	if n.of(noteLeaderless) == nil {
		t.Fatal("a node that hears no leader notes nothing")
	}
	n.end(&raftfsm.Status{ClusterID: "c", LeaderID: "n1", JournalFirstHeight: 2})
	if n.of(noteLeaderless) != nil || n.of(noteGap) != nil {
		t.Errorf("%v is told", n.since)
	}
}
