package raftfsm

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"onsale/wal/journal"
)

// The newest checkpoints are kept, and each is told.
func TestCheckpointsAreBounded(t *testing.T) {
	p := newCheckpoints(4)
	for height := uint64(1); height <= 4*(checkpointsKept+5); height++ {
		p.note(&journal.Block{Height: height, StateHash: 10 * height, Hash: journal.Hash{byte(height)}})
		if told := len(p.reached) == 1; told != (height >= 4) {
			t.Fatalf("at %d somebody is told: %t", height, told)
		}
		if want := min(int(height/4), checkpointsKept); len(p.list()) != want {
			t.Fatalf("at %d %d are kept", height, len(p.list()))
		}
	}
	kept := p.list()
	for i, c := range kept {
		if want := (Checkpoint{uint64(4 * (6 + i)), uint64(40 * (6 + i)), journal.Hash{byte(4 * (6 + i))}}); c != want {
			t.Errorf("number %d is %+v, want %+v", i, c, want)
		}
	}
	for height := range uint64(4 * (checkpointsKept + 6)) {
		c, is := p.at(height)
		if want := height%4 == 0 && height >= 24 && height <= 4*(checkpointsKept+5); is != want || is && c.Height != height || !is && c != (Checkpoint{}) {
			t.Errorf("at %d: %+v, %t", height, c, is)
		}
	}
	kept[0].Height = 9 // a copy
	if p.list()[0].Height == 9 {
		t.Error("what was handed out is what is kept")
	}
	if p.forget(); len(p.list()) > 0 {
		t.Errorf("%d are kept of a state that was replaced", len(p.list()))
	}
}

// A check counts once, as what it says of this replica and of the others.
func TestWhatACheckSays(t *testing.T) {
	for name, c := range map[string]struct {
		own                        byte // this replica's hash at the height; 0 where it has none
		change                     func(*check)
		diverged                   bool
		agreed, undecided, skipped uint64
		blamed                     map[string]bool
		later                      bool // this replica's checkpoint is of another height
	}{
		"agrees":        {own: 1, agreed: 1, blamed: map[string]bool{"n1": false, "n2": true, "n3": false, "learner": true}},
		"differs":       {own: 2, diverged: true, blamed: map[string]bool{"n1": false, "n2": true, "n3": false, "learner": true}},
		"has not it":    {skipped: 1, blamed: map[string]bool{"n1": false, "n2": true, "n3": false, "learner": true}},
		"another one":   {own: 2, later: true, skipped: 1, blamed: map[string]bool{"n1": false, "n2": true, "n3": false, "learner": true}},
		"no majority":   {own: 2, change: func(c *check) { c.voters = 5 }, undecided: 1, blamed: map[string]bool{}},
		"all of a mind": {own: 1, change: func(c *check) { c.claims = c.claims[:1]; c.voters = 1 }, agreed: 1, blamed: map[string]bool{"n1": false}},
	} {
		p, is := newCheckpoints(512), sampleCheck()
		if c.change != nil {
			c.change(&is)
		}
		if c.own > 0 {
			height := uint64(512)
			if c.later {
				height = 1024
			}
			p.note(&journal.Block{Height: height, StateHash: 7, Hash: journal.Hash{c.own}})
		}
		err := p.verify(is.append(nil), 5, slog.New(slog.DiscardHandler))
		if c.diverged != errors.Is(err, ErrDiverged) || !c.diverged && err != nil || IsDamage(err) != c.diverged {
			t.Errorf("%s: %v", name, err)
		}
		if p.agreed.Load() != c.agreed || p.undecided.Load() != c.undecided || p.skipped.Load() != c.skipped || p.malformed.Load() != 0 {
			t.Errorf("%s: %d agreed, %d undecided, %d skipped", name, p.agreed.Load(), p.undecided.Load(), p.skipped.Load())
		}
		if got := p.blamed(); !reflect.DeepEqual(got, c.blamed) {
			t.Errorf("%s: blamed %v", name, got)
		}
	}
}

// Who differs no longer is not blamed any more; how many are remembered is bounded.
func TestBlameIsBounded(t *testing.T) {
	p := newCheckpoints(1)
	own := claim{hash: journal.Hash{1}}
	blame := func(id string, hash byte) {
		p.blame(&check{claims: []claim{{id: id, hash: journal.Hash{hash}}}}, &own, 0)
	}
	for i := range claimsMax - 1 {
		blame(fmt.Sprint("n", i), 1)
	}
	blame("differs", 2)
	if !p.blamed()["differs"] || len(p.blamed()) != claimsMax {
		t.Errorf("%d are remembered", len(p.blamed()))
	}
	blame("one more", 2)
	if blamed, known := p.blamed()["one more"]; blamed || known || len(p.blamed()) != claimsMax {
		t.Errorf("%d are remembered", len(p.blamed()))
	}
	if blame("differs", 1); p.blamed()["differs"] {
		t.Error("who agrees again is blamed")
	}
}

// The newest height about which a majority says something is proposed, and none twice.
func TestProposeTheNewestHeight(t *testing.T) {
	members := []Member{{ID: "n1", Voter: true}, {ID: "n2", Voter: true}, {ID: "n3", Voter: true}, {ID: "learner"}}
	at := func(height uint64) Checkpoint { return Checkpoint{height, 7, journal.Hash{byte(height)}} }
	told := map[string][]Checkpoint{"n1": {at(8), at(16), at(24)}, "n2": {at(8), at(16)}, "learner": {at(16), at(24)}, "stranger": {at(24)}}
	for height, want := range map[uint64]struct{ voters, claims int }{8: {3, 2}, 16: {3, 3}, 24: {3, 2}, 32: {3, 0}} {
		c := checkOf(height, members, told)
		if c.height != height || c.voters != want.voters || len(c.claims) != want.claims {
			t.Errorf("of %d: %+v", height, c)
		}
		for _, claim := range c.claims {
			if claim.voter == (claim.id == "learner") || claim.stateHash != 7 || claim.hash != (journal.Hash{byte(height)}) {
				t.Errorf("of %d: %+v", height, claim)
			}
		}
	}
	many := map[string][]Checkpoint{"n1": {}}
	for range claimsMax + 3 {
		many["n1"] = append(many["n1"], at(8))
	}
	if c := checkOf(8, members, many); len(c.claims) != claimsMax {
		t.Errorf("%d claims", len(c.claims))
	}

	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	n.machine.checkpoints.mu.Lock()
	n.machine.checkpoints.newest = []Checkpoint{at(8), at(16), at(24)}
	n.machine.checkpoints.mu.Unlock()
	for _, c := range []struct {
		told  map[string][]Checkpoint
		after uint64
		want  uint64
	}{
		{map[string][]Checkpoint{"n1": {at(8), at(16)}}, 0, 16},
		{map[string][]Checkpoint{"n1": {at(8), at(16)}}, 15, 16},
		{map[string][]Checkpoint{"n1": {at(8), at(16)}}, 16, 0},
		{map[string][]Checkpoint{"n1": {at(8)}}, 0, 8},
		{map[string][]Checkpoint{"n2": {at(8)}}, 0, 0},
		{nil, 0, 0},
	} {
		if got := n.Checks().Propose(c.told, c.after); got != c.want {
			t.Errorf("told %v, above %d: %d, want %d", c.told, c.after, got, c.want)
		}
	}
	eventually(t, "the check is committed", func() bool { return n.machine.checkpoints.agreed.Load() > 0 })
}

// Since when a member differs is the log's time of the first check that said so, and of the
// next one after it agreed.
func TestDivergesSince(t *testing.T) {
	p := newCheckpoints(1)
	own := claim{hash: journal.Hash{1}}
	for i, step := range []struct {
		n1, n2 byte // their hashes
		want   []Divergence
	}{
		{1, 1, nil},
		{1, 2, []Divergence{{"n2", time.Unix(1, 0).UTC()}}},
		{2, 2, []Divergence{{"n1", time.Unix(2, 0).UTC()}, {"n2", time.Unix(1, 0).UTC()}}},
		{2, 1, []Divergence{{"n1", time.Unix(2, 0).UTC()}}},
		{1, 2, []Divergence{{"n2", time.Unix(4, 0).UTC()}}},
	} {
		p.blame(&check{claims: []claim{{id: "n2", hash: journal.Hash{step.n2}}, {id: "n1", hash: journal.Hash{step.n1}}}}, &own, int64(i)*1e9)
		if got := p.differing(); !reflect.DeepEqual(got, step.want) {
			t.Errorf("step %d: %v, wanted %v", i, got, step.want)
		}
	}
}
