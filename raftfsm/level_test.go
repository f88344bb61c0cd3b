package raftfsm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// above is the first level that this program does not speak.
const above = sequencer.LevelMax + 1

// raised returns a state at a level.
func raised(level int64) *sequencer.State {
	s := sequencer.New()
	for next := int64(sequencer.LevelFirst) + 1; next <= level; next++ {
		s.Apply(&sequencer.Batch{Commands: []sequencer.Command{{Kind: sequencer.KindLevel, Amount: next}}}, new(sequencer.Decisions))
	}
	return s
}

// contentOf returns a snapshot's file of a state.
func contentOf(t *testing.T, s *sequencer.State) []byte {
	t.Helper()
	content := bytes.NewBuffer(store.AppendHeader(nil, journal.Head{}, s.Seq()))
	if _, err := s.Snapshot().WriteTo(content); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

// A node ends at the entry that raises the level above what it speaks, and at each start
// again. It is not damaged, and the entry's decision is not in its journal.
func TestLevelAboveThisProgram(t *testing.T) {
	c := testConfig(t, "n1")
	failed := make(chan error, 1)
	c.Fatal = func(err error) { failed <- err }
	for start := range 2 {
		n := mustOpen(t, c)
		if start == 0 {
			eventually(t, "leadership", leads(n))
			if n.Status().Level != sequencer.LevelFirst {
				t.Errorf("a new cluster is at level %d", n.Status().Level)
			}
			for next := sequencer.LevelFirst + 1; next <= above; next++ {
				result, err := n.Decide(&sequencer.Command{Kind: sequencer.KindLevel, Amount: int64(next)})
				if spoken := next <= sequencer.LevelMax; spoken != (err == nil) || spoken && (result.Code != sequencer.CodeOK || int(n.Status().Level) != next) {
					t.Fatalf("to %d: %+v, %v, at level %d", next, result, err, n.Status().Level)
				}
			}
		}
		err := <-failed
		if !errors.Is(err, sequencer.ErrLevel) || IsDamage(err) || !IsOtherVersion(err) {
			t.Errorf("start %d: %v", start, err)
		}
		if n.Status().Level > sequencer.LevelMax {
			t.Errorf("it shows level %d", n.Status().Level)
		}
		mustClose(t, n)
	}
}

// A snapshot of a later level or version is not passed over for an older one at a start, and
// ends the process when a leader sends it.
func TestSnapshotOfAnotherRelease(t *testing.T) {
	later := contentOf(t, raised(above))
	other := contentOf(t, sequencer.New())
	other[bytes.Index(other, []byte("ONSLSNAP"))+8] = 99
	for what, content := range map[string][]byte{"level": later, "version": other} {
		r := mustOpenReplica(t)
		if err := r.machine.Restore(io.NopCloser(bytes.NewReader(content))); !IsOtherVersion(err) || IsDamage(err) || !IsOtherVersion(r.failure) {
			t.Errorf("%s: %v, ends with %v", what, err, r.failure)
		}

		c := testConfig(t, "n1")
		n := mustOpen(t, c)
		eventually(t, "leadership", leads(n))
		if err := n.Snapshot(); err != nil {
			t.Fatal(err)
		}
		last := n.raft.LastIndex()
		mustClose(t, n)
		addSnapshot(t, &c, last+1, content)
		before := fmt.Sprint(os.ReadDir(filepath.Join(c.DataDir, "snapshots")))
		n, err := Open(c)
		if err == nil {
			mustClose(t, n)
		}
		if !IsOtherVersion(err) || IsDamage(err) {
			t.Errorf("%s, started on: %v", what, err)
		}
		was, err := folder.ReadIdentity(c.DataDir)
		if err != nil {
			t.Fatal(err)
		}
		if err := Recover(c); !IsOtherVersion(err) || IsDamage(err) {
			t.Errorf("%s, recovered: %v", what, err)
		}
		if is, err := folder.ReadIdentity(c.DataDir); err != nil || is.Checksum != was.Checksum {
			t.Errorf("%s: the identity was %+v, is %+v (%v)", what, was, is, err)
		}
		if after := fmt.Sprint(os.ReadDir(filepath.Join(c.DataDir, "snapshots"))); after != before {
			t.Errorf("%s: snapshots were %s, are %s", what, before, after)
		}
	}
}

func addSnapshot(t *testing.T, c *Config, index uint64, content []byte) {
	t.Helper()
	snapshots, err := store.OpenSnapshots(c.Files, c.DataDir, c.SnapshotsKept, c.Logger)
	if err != nil {
		t.Fatal(err)
	}
	_, trans := raft.NewInmemTransport("")
	sink, err := snapshots.Create(raft.SnapshotVersionMax, index, 2, raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "a:1"}}}, 1, trans)
	if err == nil {
		_, err = sink.Write(content)
	}
	if err = errors.Join(err, sink.Close()); err != nil {
		t.Fatal(err)
	}
}

// A backup of a later level is refused, and leaves nothing behind.
func TestBackupOfALaterLevel(t *testing.T) {
	content := contentOf(t, raised(above))
	var backup bytes.Buffer
	if err := folder.WriteBackup(&backup, &folder.BackupInfo{}, int64(len(content)), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := folder.ReadBackup(bytes.NewReader(backup.Bytes()))
	if says := fmt.Sprintf("at level %d, and this release speaks up to %d", above, sequencer.LevelMax); !errors.Is(err, sequencer.ErrLevel) || errors.Is(err, folder.ErrBackup) || !strings.Contains(err.Error(), says) {
		t.Error(err)
	}
}

// A node that hears from a member that it does not speak the cluster's level ends.
func TestBelowTheClustersLevel(t *testing.T) {
	c := testConfig(t, "n1")
	var ended atomic.Pointer[error]
	c.Fatal = func(err error) { ended.Store(&err) }
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	if speaks, level := n.PeerConfig().Levels(); speaks != sequencer.LevelMax || level != sequencer.LevelFirst {
		t.Errorf("it says that it speaks %d in a cluster at %d", speaks, level)
	}
	caller := *n.PeerConfig()
	caller.ID, caller.Fenced, caller.Start = "n2", nil, 1
	caller.Levels = func() (speaks, cluster uint16) { return above, above }
	if _, err := peer.Dial(t.Context(), &caller, n.Address(), peer.Forward, ""); !errors.Is(err, peer.ErrLevel) {
		t.Errorf("a member of a later level: %v", err)
	}
	if err := ended.Load(); err == nil || !errors.Is(*err, peer.ErrBelow) || IsDamage(*err) {
		t.Error("the node goes on below its cluster's level")
	}
	_ = n.Close()
}
