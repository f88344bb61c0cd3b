package raftfsm

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
)

// A leader whose journal hangs decides nothing: it loses its office, tells who waits and who
// comes, and is not ready. When the disk comes back it follows, with all that was decided.
func TestLeaderWhoseJournalHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffices(t, 3, nil)
		defer o.close()
		was := o.leader()
		createSale(t, o.nodes[was], concert(100))
		o.disks[was].hang("/journal")
		began := time.Now()
		answer := o.buy(was, "ann")
		mustBeUnknown(t, answer, 6*time.Second)
		eventually(t, "another leader", func() bool { return !o.nodes[was].Leads() && o.nodes[o.leader()] != o.nodes[was] })
		if took := time.Since(began); took > 7*time.Second {
			t.Errorf("another one leads after %v", took)
		}
		if _, err := buyAs(o.nodes[was], "bob", 1); !errors.Is(err, sequencer.ErrNoLeader) {
			t.Errorf("who buys there is told %v", err)
		}
		o.buyUntilAnswered("bob")

		hung := o.nodes[was]
		is := hung.Status()
		if is.Hangs == nil || is.Hangs.Part != "journal" || is.SlowSince == nil || is.HandedOver == nil || is.HandedOver.Cause != CauseHung || is.HandedOver.From != is.NodeID {
			t.Errorf("it says of itself %+v, %v, %+v", is.Hangs, is.SlowSince, is.HandedOver)
		}
		if is.AppliedIndex >= is.CommitIndex {
			t.Errorf("it has applied %d of %d", is.AppliedIndex, is.CommitIndex)
		}
		if checks := failing(hung); !slices.Contains(checks, "stalls") {
			t.Errorf("only %v fail", checks)
		}

		o.disks[was].release()
		eventually(t, "the same everywhere", func() bool {
			a, b := hung.Status(), o.nodes[o.leader()].Status()
			return a.Seq == b.Seq && a.JournalHash == b.JournalHash && len(failing(hung)) == 0
		})
		if o.ended(was) != nil || hung.Status().Hangs != nil {
			t.Errorf("ended with %v, hangs: %+v", o.ended(was), hung.Status().Hangs)
		}
	})
}

// A node whose decisions hang for longer than all patience ends its process.
func TestDecisionsThatHangForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffices(t, 1, nil)
		defer o.close()
		createSale(t, o.nodes[0], concert(100))
		o.disks[0].hang("/journal")
		mustBeUnknown(t, o.buy(0, "ann"), 6*time.Second)
		if _, err := buyAs(o.nodes[0], "bob", 1); !errors.Is(err, sequencer.ErrNoLeader) {
			t.Errorf("who buys then is told %v", err)
		}
		time.Sleep(13 * time.Second)
		if o.ended(0) != nil {
			t.Errorf("ended before its time: %v", o.ended(0))
		}
		eventually(t, "the end", func() bool { return errors.Is(o.ended(0), ErrStalled) })
	})
}

// The only node takes its office again when its disk comes back in time.
func TestOnlyNodeWhoseDiskComesBack(t *testing.T) {
	for _, part := range []string{"/journal", "/raft-log"} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffices(t, 1, nil)
			defer o.close()
			createSale(t, o.nodes[0], concert(100))
			o.disks[0].hang(part)
			mustBeUnknown(t, o.buy(0, "ann"), 6*time.Second)
			time.Sleep(10 * time.Second)
			o.disks[0].release()
			o.buyUntilAnswered("bob")
			if o.ended(0) != nil {
				t.Errorf("%s: ended with %v", part, o.ended(0))
			}
			if o.nodes[0].Status().SlowSince == nil {
				t.Errorf("%s: it was not slow", part)
			}
			time.Sleep(slowLasts + time.Second)
			if since := o.nodes[0].Status().SlowSince; since != nil {
				t.Errorf("%s: slow since %v", part, since)
			}
		})
	}
}

// A store that hangs alone ends its process; raft's own loop is in it, and cannot hand over.
func TestStoreThatHangsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffices(t, 3, nil)
		defer o.close()
		was := o.leader()
		createSale(t, o.nodes[was], concert(100))
		o.disks[was].hang("/raft-log")
		began := time.Now()
		answer := o.buy(was, "ann")
		eventually(t, "the end of its process", func() bool { return o.ended(was) != nil })
		if took := time.Since(began); !errors.Is(o.ended(was), ErrStalled) || took < 5*time.Second || took > 6*time.Second {
			t.Errorf("ended after %v with %v", took, o.ended(was))
		}
		mustBeUnknown(t, answer, time.Second)
		o.kill(was)
		o.buyUntilAnswered("bob")
	})
}

// Where the stores of a majority hang it would help nobody to end their processes, until they
// have hung for long.
func TestStoresThatHangTogether(t *testing.T) {
	for _, c := range []struct {
		lasts time.Duration
		ends  bool
	}{{12 * time.Second, false}, {25 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffices(t, 3, nil)
			defer o.close()
			was := o.leader()
			createSale(t, o.nodes[was], concert(100))
			for _, d := range o.disks {
				d.hang("/")
			}
			mustBeUnknown(t, o.buy(was, "ann"), 6*time.Second)
			if _, err := buyAs(o.nodes[was], "bob", 1); !errors.Is(err, sequencer.ErrNoLeader) {
				t.Errorf("who buys then is told %v", err)
			}
			time.Sleep(c.lasts - 6*time.Second)
			for i := range o.nodes {
				if ended := o.ended(i) != nil; ended && !c.ends || !ended && c.ends && i == was {
					t.Errorf("after %v node %d: %v", c.lasts, i+1, o.ended(i))
				}
			}
			if c.ends {
				return
			}
			for _, d := range o.disks {
				d.release()
			}
			o.buyUntilAnswered("bob")
		})
	}
}

// A call that is slow and returns is an alarm and nothing else.
func TestSlowDiskIsAnAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffices(t, 3, nil)
		defer o.close()
		was := o.leader()
		createSale(t, o.nodes[was], concert(100))
		for range 5 {
			o.disks[was].hang("/")
			answer := o.buy(was, "ann")
			time.Sleep(4 * time.Second)
			o.disks[was].release()
			if err := <-answer; err != nil {
				t.Error(err)
			}
		}
		is := o.nodes[was].Status()
		if !o.nodes[was].Leads() || o.ended(was) != nil || is.SlowSince == nil || is.Hangs != nil {
			t.Errorf("leads: %t, ended with %v, slow since %v, hangs %v", o.nodes[was].Leads(), o.ended(was), is.SlowSince, is.Hangs)
		}
	})
}

// While a snapshot hangs all else goes on, and a node that is told to stop stops in time.
func TestSnapshotThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffices(t, 3, nil)
		defer o.close()
		was := o.leader()
		createSale(t, o.nodes[was], concert(100))
		o.disks[was].hang("/snapshots/")
		go func() { _ = o.nodes[was].Snapshot() }()
		time.Sleep(30 * time.Second)
		o.buyUntilAnswered("ann")
		hung := o.nodes[was]
		if is := hung.Status(); !hung.Leads() || is.Hangs == nil || is.Hangs.Part != partSnapshot || len(failing(hung)) > 0 || o.ended(was) != nil {
			t.Errorf("leads: %t, hangs: %+v, %v fail, ended with %v", hung.Leads(), is.Hangs, failing(hung), o.ended(was))
		}
		began := time.Now()
		if err := hung.Close(); !errors.Is(err, ErrStalled) {
			t.Errorf("closed with %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("closing took %v", took)
		}
	})
}

// A node that is elected and cannot apply what was before its term gives the office up.
func TestElectedAndLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := map[string]*hangingFiles{}
		o := newOffices(t, 3, func(c *Config) {
			gate := new(hangingFiles)
			slow[c.NodeID] = gate
			c.seams.machine = func(_ *Node, fsm raft.FSM) raft.FSM { return lateMachine{fsm, gate} }
		})
		defer func() {
			for _, gate := range slow {
				gate.release()
			}
			o.close()
		}()
		was := o.leader()
		createSale(t, o.nodes[was], concert(100))
		next := o.nodes[(was+1)%3]
		slow[next.config.NodeID].hang("apply") // outside of what is watched
		o.buyUntilAnswered("ann")
		began := time.Now()
		if err := o.nodes[was].Membership().handTo(next.config.NodeID); err != nil {
			t.Fatal(err)
		}
		eventually(t, "its election", func() bool { return next.Status().LeaderID == next.config.NodeID })
		eventually(t, "another leader", func() bool { return o.leader() != (was+1)%3 && !next.Leads() })
		if took := time.Since(began); took < barrierTimeout || took > barrierTimeout+5*time.Second {
			t.Errorf("it gave the office up after %v", took)
		}
		if is := o.nodes[o.leader()].office.handedOver(); is == nil && next.office.handedOver() == nil {
			t.Error("nobody remembers a hand-over")
		}
	})
}

// A leader whose clock is wrong hands over once, to one whose clock is not; and so does one
// whose certificate ends.
func TestLeaderThatShouldNotLead(t *testing.T) {
	for cause, spoil := range map[Cause]func(o *offices, at int){
		CauseClock: func(o *offices, at int) { o.clocks[at].skew(time.Minute) },
		CauseCertificate: func(o *offices, at int) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.ends[at] = time.Now().Add(certificateMargin / 2)
		},
	} {
		t.Run(string(cause), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffices(t, 3, nil)
				defer o.close()
				was := o.leader()
				bad := (was + 1) % 3
				createSale(t, o.nodes[was], concert(100))
				for range 5 { // all hear the log's time
					time.Sleep(2 * time.Second)
					o.buyUntilAnswered("ann")
				}
				spoil(o, bad)
				time.Sleep(3 * time.Second) // the leader hears of it
				spoil(o, was)
				eventually(t, "another leader", func() bool { return o.leader() != was })
				if now := o.leader(); now != (was+2)%3 {
					t.Errorf("node %d leads after %d, node %d has the same alarm", now+1, was+1, bad+1)
				}
				is := o.nodes[was].office.handedOver()
				if is == nil || is.Cause != cause {
					t.Errorf("the hand-over was %+v", is)
				}
				spoil(o, (was+2)%3) // and nobody is left
				time.Sleep(handOverEvery + 10*time.Second)
				if now := o.leader(); now != (was+2)%3 {
					t.Errorf("node %d leads, which has the same alarm", now+1)
				}
			})
		})
	}
}

// A trouble that all share does not turn the office round: it goes to nobody who had it, and
// once a minute, whoever remembers the last time.
func TestHandOverOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffices(t, 3, nil)
		defer o.close()
		createSale(t, o.nodes[o.leader()], concert(100))
		led := map[int]bool{}
		for range 2 {
			at := o.leader()
			led[at] = true
			if err := o.nodes[at].HandOverFor(CauseProvider); err != nil {
				t.Fatal(err)
			}
			eventually(t, "another leader", func() bool { return o.leader() != at })
			o.buyUntilAnswered("ann")
			next := o.leader()
			for began := time.Now(); time.Since(began) < handOverEvery-5*time.Second; time.Sleep(5 * time.Second) {
				if err := o.nodes[next].office.handOver(CauseProvider); !errors.Is(err, ErrTransfer) {
					t.Fatalf("again after %v: %v", time.Since(began), err)
				}
			}
			time.Sleep(10 * time.Second)
		}
		last := o.leader()
		if led[last] {
			t.Errorf("node %d leads again, which does not reach the provider", last+1)
		}
		if err := o.nodes[last].HandOverFor(CauseProvider); !errors.Is(err, ErrTransfer) {
			t.Errorf("to one that does not reach the provider either: %v", err)
		}
		for at := range led { // its doubt is over
			o.nodes[at].office.providerLost.Set(time.Now().Add(-providerDoubt))
		}
		if err := o.nodes[last].HandOverFor(CauseProvider); err != nil {
			t.Errorf("to one that may reach it by now: %v", err)
		}
		eventually(t, "another leader", func() bool { return o.leader() != last })
	})
}

// Of the other voters only those are let lead that have caught up and are well.
func TestSuccessors(t *testing.T) {
	members := []Member{{ID: "n1", Voter: true}, {ID: "n2", Voter: true}, {ID: "n3", Voter: true}, {ID: "n4"}}
	own := Fitness{NodeID: "n1", Term: 7, CommitIndex: 10000}
	well := func(id string, applied uint64) Fitness { return Fitness{NodeID: id, Term: 7, AppliedIndex: applied} }
	spoilt := func(spoil func(f *Fitness)) []Fitness {
		f := well("n2", 10000)
		spoil(&f)
		return []Fitness{f}
	}
	for name, c := range map[string]struct {
		others []Fitness
		want   []string
	}{
		"nobody answers":       {nil, nil},
		"who has applied most": {[]Fitness{well("n2", 9990), well("n3", 10000)}, []string{"n3", "n2"}},
		"no voter":             {[]Fitness{well("n4", 10000), well("n5", 10000)}, nil},
		"itself":               {[]Fitness{well("n1", 10000)}, nil},
		"as far as one must":   {[]Fitness{well("n2", 10000-appliedLagMax)}, []string{"n2"}},
		"behind":               {[]Fitness{well("n2", 10000-appliedLagMax-1)}, nil},
		"of another term":      {spoilt(func(f *Fitness) { f.Term = 8 }), nil},
		"the same alarm":       {spoilt(func(f *Fitness) { f.Unfit = []Unfit{{Cause: CauseClock}} }), nil},
		"another alarm":        {spoilt(func(f *Fitness) { f.Unfit = []Unfit{{Cause: CauseProvider}} }), []string{"n2"}},
		"hangs":                {spoilt(func(f *Fitness) { f.Unfit = []Unfit{{Cause: CauseHung}} }), nil},
		"about to hang":        {spoilt(func(f *Fitness) { f.WaitsMilliseconds = 1000 }), nil},
	} {
		if got := successors(&own, c.others, members, CauseClock); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
