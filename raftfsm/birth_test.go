package raftfsm

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// The first entry of a new cluster is its birth, alone in a batch that carries no time.
func TestFirstEntryIsTheBirth(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))

	births := n.Births()
	is := n.Identity()
	if len(births) != 1 || births[0].FirstSeq != 1 || births[0].Cause != sequencer.BirthNew || births[0].Cluster.String() != is.ClusterID {
		t.Fatalf("births %+v of cluster %s", births, is.ClusterID)
	}
	block, err := n.data.Journal.Read(1)
	if err != nil {
		t.Fatal(err)
	}
	var b sequencer.Batch
	if err := sequencer.DecodeBatch(block.Batch, &b); err != nil || len(b.Commands) != 1 || b.Commands[0].Kind != sequencer.KindBirth || b.Time != 0 {
		t.Errorf("the first batch is %+v (%v)", b, err)
	}
	createSale(t, n, concert(1))
	if seq := n.AppliedSeq(); seq != 2 {
		t.Errorf("the sale was created at seq %d", seq)
	}
}

// restored opens a new node on a backup.
func restored(t *testing.T, backup []byte, cause sequencer.BirthCause) *Node {
	t.Helper()
	c := testConfig(t, "r1")
	c.Bootstrap = nil
	if _, err := folder.RestoreBackup(bytes.NewReader(backup), folder.Restore{Dir: c.DataDir, NodeID: "r1", Address: "127.0.0.1:0", Cause: cause, Clock: c.Clock}); err != nil {
		t.Fatal(err)
	}
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	return n
}

// What was given out after a backup is never given out again by the clusters that are made
// of it, and a batch that was under way is of a session that they have forgotten.
func TestRestoredGivesNoNumberTwice(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(50))
	session, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSessionOpen})
	if err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if err := n.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	alice, err := buyAs(n, "alice", sale)
	if err != nil || alice.State != sequencer.StateReserved {
		t.Fatalf("%+v, %v", alice, err)
	}

	given := map[uint64]string{alice.Seq: "alice's"}
	for _, cause := range []sequencer.BirthCause{sequencer.BirthRestore, sequencer.BirthRestore, sequencer.BirthCopy} {
		r := restored(t, backup.Bytes(), cause)
		bob, err := buyAs(r, "bob", sale)
		if err != nil || bob.State != sequencer.StateReserved || given[bob.Seq] != "" {
			t.Errorf("after %s: %+v (%v), which is %q already", cause, bob, err, given[bob.Seq])
		}
		given[bob.Seq] = "bob's of an earlier " + cause.String()
		if _, known := orderOf(r, alice.Seq); known {
			t.Errorf("after %s there is an order %d", cause, alice.Seq)
		}
		var results [2]sequencer.Result
		frames := sequencer.AppendCommand(nil, &sequencer.Command{Kind: sequencer.KindForward, Order: session.Seq, Amount: 1, Count: 1})
		frames = sequencer.AppendCommand(frames, &sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, Quantity: 1, User: []byte("carol")})
		if err := r.DecideMany(frames, 2, results[:]); err != nil || results[0].Code != sequencer.CodeUnknownSession || results[1].Code != sequencer.CodeNotTaken {
			t.Errorf("after %s a batch of before is decided as %+v (%v)", cause, results, err)
		}
		if births := r.Births(); births[len(births)-1].Cause != cause || births[len(births)-1].Cluster.String() != r.Identity().ClusterID || r.Identity().ClusterID == n.Identity().ClusterID {
			t.Errorf("after %s births are %+v", cause, births)
		}
		mustClose(t, r)
	}
}

// A born cluster that is started again has no further birth.
func TestBirthIsMadeOnce(t *testing.T) {
	c := testConfig(t, "n1")
	for range 3 {
		n := mustOpen(t, c)
		eventually(t, "leadership", leads(n))
		if births := n.Births(); len(births) != 1 || n.AppliedSeq() != 1 {
			t.Fatalf("births %+v, seq %d", births, n.AppliedSeq())
		}
		mustClose(t, n)
	}
	if err := Recover(c); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		n := mustOpen(t, c)
		eventually(t, "leadership", leads(n))
		if births := n.Births(); len(births) != 2 || births[1].Cause != sequencer.BirthRecover || n.AppliedSeq() != births[1].FirstSeq {
			t.Fatalf("births %+v, seq %d", births, n.AppliedSeq())
		}
		mustClose(t, n)
	}
}

// A clock that is behind cannot say where a new history may go on.
func TestClockBehindIsRefused(t *testing.T) {
	c := testConfig(t, "n1")
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	createSale(t, n, concert(1))
	var backup bytes.Buffer
	if err := n.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	mustClose(t, n)

	behind := &testClock{}
	behind.move(-time.Hour)
	dir := filepath.Join(t.TempDir(), "r1")
	_, err := folder.RestoreBackup(bytes.NewReader(backup.Bytes()), folder.Restore{Dir: dir, NodeID: "r1", Address: "a:1", Cause: sequencer.BirthRestore, Clock: behind})
	if !errors.Is(err, folder.ErrClockBehind) {
		t.Errorf("a restore with a clock that is an hour behind: %v", err)
	}
	if _, err := folder.ReadIdentity(dir); err == nil {
		t.Error("what was refused has made an identity")
	}

	wrong := c
	wrong.Clock = behind
	if err := Recover(wrong); !errors.Is(err, folder.ErrClockBehind) {
		t.Fatalf("a recovery with a clock that is an hour behind: %v", err)
	}
	if n, err := Open(c); !errors.Is(err, ErrRecovery) {
		t.Fatalf("a node whose recovery is not finished starts: %v, %v", n, err)
	}
	if err := Recover(c); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, c)
	defer mustClose(t, again)
	eventually(t, "leadership", leads(again))
	if births := again.Births(); len(births) != 2 {
		t.Errorf("births %+v", births)
	}
}

// A restored or recovered folder whose node ended before its birth was decided keeps its id
// and what it was made for; one whose birth was decided, or that was never born anew, gets
// another id.
func TestRecoveredBeforeItWasBorn(t *testing.T) {
	births := []sequencer.Birth{{Cluster: sequencer.ClusterID{1}}, {Cluster: sequencer.ClusterID{2}}}
	now := time.Unix(1e9, 0)
	mark := func(cause sequencer.BirthCause, time int64) *folder.BirthMark {
		return &folder.BirthMark{Cause: cause, Time: time}
	}
	for _, c := range []struct {
		what string
		own  byte
		mark *folder.BirthMark
		kept bool
		want sequencer.BirthCause
	}{
		{"a member", 2, nil, false, sequencer.BirthRecover},
		{"one that joined and is behind", 3, nil, false, sequencer.BirthRecover},
		{"recovered and born", 2, mark(sequencer.BirthRecover, 1), false, sequencer.BirthRecover},
		{"a copy that was born", 2, mark(sequencer.BirthCopy, 1), false, sequencer.BirthRecover},
		{"recovered, not born", 3, mark(sequencer.BirthRecover, 1), true, sequencer.BirthRecover},
		{"restored, not born", 3, mark(sequencer.BirthRestore, 1), true, sequencer.BirthRestore},
		{"a copy, not born", 3, mark(sequencer.BirthCopy, 1), true, sequencer.BirthCopy},
		{"a copy, not born, its recovery was interrupted", 3, mark(sequencer.BirthCopy, 0), true, sequencer.BirthCopy},
		{"one that joined, its recovery was interrupted", 3, mark(0, 0), false, sequencer.BirthRecover},
	} {
		before := folder.Identity{ClusterID: peer.ClusterID{c.own}.String(), Birth: c.mark, SupersededBy: "x", Bootstrap: make([]folder.Member, 1)}
		is := before
		succeed(&is, &before, births, now)
		if kept := is.ClusterID == before.ClusterID; kept != c.kept || is.Cluster() == (peer.ClusterID{}) {
			t.Errorf("%s: the id was %s, is %s", c.what, before.ClusterID, is.ClusterID)
		}
		if *is.Birth != (folder.BirthMark{Cause: c.want, Time: now.UnixNano()}) || is.SupersededBy != "" || is.Bootstrap != nil || !is.Started {
			t.Errorf("%s: %+v, %+v", c.what, is, is.Birth)
		}
	}
}

// Who recovers a folder twice without a start between the two gets one birth, and one id.
func TestRecoveredTwiceIsBornOnce(t *testing.T) {
	c := testConfig(t, "n1")
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	mustClose(t, n)
	var ids []string
	for range 2 {
		if err := Recover(c); err != nil {
			t.Fatal(err)
		}
		is, err := folder.ReadIdentity(c.DataDir)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, is.ClusterID)
	}
	n = mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	if births := n.Births(); len(births) != 2 || ids[0] != ids[1] || births[1].Cluster.String() != ids[1] {
		t.Errorf("births %+v of clusters %v", births, ids)
	}
}

// A leader proposes the birth of its identity's cluster, and ends when its log is another's.
func TestBirthOf(t *testing.T) {
	own, other := peer.ClusterID{1}, peer.ClusterID{2}
	first := sequencer.Birth{FirstSeq: 1, Cluster: sequencer.ClusterID(own), Time: 50, Cause: sequencer.BirthNew}
	mark := &folder.BirthMark{Cause: sequencer.BirthRestore, Time: 70}
	for _, c := range []struct {
		name   string
		is     folder.Identity
		births []sequencer.Birth
		seq    uint64
		cause  sequencer.BirthCause // 0 for none
		time   int64
		wrong  bool
	}{
		{"empty", folder.Identity{ClusterID: own.String()}, nil, 0, sequencer.BirthNew, 60, false},
		{"born", folder.Identity{ClusterID: own.String()}, []sequencer.Birth{first}, 9, 0, 0, false},
		{"restored", folder.Identity{ClusterID: other.String(), Birth: mark}, []sequencer.Birth{first}, 9, sequencer.BirthRestore, 70, false},
		{"a log without a birth", folder.Identity{ClusterID: own.String()}, nil, 9, 0, 0, true},
		{"another's log", folder.Identity{ClusterID: other.String()}, []sequencer.Birth{first}, 9, 0, 0, true},
		{"a clock that went back", folder.Identity{ClusterID: other.String(), Birth: &folder.BirthMark{Cause: sequencer.BirthRecover, Time: 49}}, []sequencer.Birth{first}, 9, 0, 0, true},
	} {
		got, err := birthOf(&c.is, c.births, c.seq, 60)
		switch {
		case errors.Is(err, ErrBirth) != c.wrong || err != nil && !c.wrong:
			t.Errorf("%s: %v", c.name, err)
		case (got != nil) != (c.cause != 0):
			t.Errorf("%s: %+v", c.name, got)
		case got != nil && (got.Count != uint32(c.cause) || got.Amount != c.time || sequencer.ClusterID(got.Key).String() != c.is.ClusterID):
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
