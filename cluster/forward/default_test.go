package forward

import (
	"testing"
	"time"

	"onsale/sequencer"
)

// The figures that serve most: who waits for a decision outlasts a fail-over.
func TestDefaults(t *testing.T) {
	c := DefaultClientConfig()
	if c.QueueRequestsMax != 524_288 || c.QueueBytesMax != 67_108_864 || c.BatchRequestsMax != 6000 || c.BatchBytesMax != 250_000 ||
		c.DecideTimeout != 5*time.Second || c.AttemptTimeout != time.Second || c.Logger == nil {
		t.Errorf("%+v", c)
	}
	s := DefaultServerConfig(Limits{7, 8})
	if s.Limits != (Limits{7, 8}) || s.QuestionsMax != 4096 || s.WriteTimeout != 5*time.Second || s.ControlTimeout != 30*time.Second ||
		s.Blocks != nil || s.Logger == nil {
		t.Errorf("%+v", s)
	}
}

// Who is told of another leader goes there at once, and who is not looks elsewhere.
func TestWhatIsLearntOfALeader(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		named  bool
		leader string
	}{
		"another leads":         {&sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: "b"}, true, "b"},
		"itself, it says":       {&sequencer.NotLeaderError{LeaderID: "n1", LeaderAddress: "a"}, false, ""},
		"nobody, it says":       {&sequencer.NotLeaderError{}, false, ""},
		"it stops":              {sequencer.ErrStopping, false, ""},
		"it did not answer":     {errUnreachable, false, ""},
		"it has too much to do": {sequencer.ErrOverloaded, false, "a"},
		"it answered":           {nil, false, "a"},
	} {
		d := NewDirectory([]string{"a", "b"})
		d.SetLeader("n1", "a")
		named := d.learn("a", c.err)
		if _, leader, _ := d.Leader(); named != c.named || leader != c.leader {
			t.Errorf("%s: named %t, and %q is thought to lead", name, named, leader)
		}
	}
}
