package raftfsm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/store"
	"onsale/wal/waltest"
)

func mustReadFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// soldOut makes a node's folder with two snapshots, a log that begins between them,
// and a journal; it returns the node's configuration and what it was at the end.
func soldOut(t *testing.T) (Config, Status) {
	c := testConfig(t, "n1")
	c.DataDir, c.LogSegmentBytes = filepath.Join(testenv.MemoryDir(t), "n1"), 1<<10
	c.InFlightMax, c.TrailingEntries = 1, 1+tailMargin
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(1000))
	for round := range 3 {
		for i := range 100 { // so that both snapshots have three digits, and names in order
			if _, err := buyAs(n, fmt.Sprint(round, "-", i), sale); err != nil {
				t.Fatal(err)
			}
		}
		if round < 2 {
			if err := n.Snapshot(); err != nil {
				t.Fatal(err)
			}
		}
	}
	end := n.Status()
	mustClose(t, n)
	return c, end
}

// startOn opens the folder: with everything it had, or not at all and with a word
// on what is damaged.
func startOn(t *testing.T, c Config, end Status, what string) (started bool) {
	t.Helper()
	n, err := Open(c)
	if err != nil {
		if !IsDamage(err) {
			t.Fatalf("%s: refused without a word on damage: %v", what, err)
		}
		return false
	}
	eventually(t, "leadership", leads(n))
	now := n.Status()
	mustClose(t, n)
	if now.Seq != end.Seq || now.StateHash != end.StateHash || now.JournalHash != end.JournalHash {
		t.Fatalf("%s: started with %+v, it had %+v", what, now, end)
	}
	return true
}

func snapshotFolders(t *testing.T, c Config) []string {
	folders, err := filepath.Glob(filepath.Join(c.DataDir, "snapshots", "*"))
	if err != nil || len(folders) != 2 {
		t.Fatalf("snapshots %v, %v", folders, err)
	}
	return folders
}

// Every cut and flip of a snapshot's files: it is passed over, never read as
// another state or another membership.
func TestEveryDamageOfASnapshot(t *testing.T) {
	c, _ := soldOut(t)
	folder := snapshotFolders(t, c)[1]
	snapshots, err := store.OpenSnapshots(c.Files, c.DataDir, 2, c.Logger)
	if err != nil {
		t.Fatal(err)
	}
	before, err := snapshots.Newest()
	if err != nil || !strings.HasSuffix(folder, before.Meta.ID) {
		t.Fatalf("newest is %+v in %s, %v", before.Meta, folder, err)
	}
	described := func(m raft.SnapshotMeta) raft.SnapshotMeta {
		m.Size, m.Peers = 0, nil
		return m
	}
	passed, same := 0, 0
	every, at := testenv.Pick(1, 61), 0
	for _, name := range []string{"meta.json", "state.bin", "description.sha256"} {
		path := filepath.Join(folder, name)
		sound := mustReadFile(t, path)
		waltest.EveryDamage(sound, func(what string, data []byte) {
			if at++; at%every != 0 {
				return
			}
			if err := os.WriteFile(path, data, 0o640); err != nil {
				t.Fatal(err)
			}
			found, err := snapshots.Newest()
			switch {
			case err != nil && !IsDamage(err):
				t.Fatalf("%s of %s: %v", what, name, err)
			case err == nil && found.Meta.ID == before.Meta.ID:
				if same++; !reflect.DeepEqual(described(found.Meta), described(before.Meta)) || found.Head != before.Head || name != "meta.json" {
					t.Fatalf("%s of %s: read as %+v", what, name, found)
				}
			default:
				passed++
			}
		})
		if err := os.WriteFile(path, sound, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d damages passed over, %d without effect", passed, same)
}

// A node whose files do not reach each other stops; one that lost what it does not
// need starts with everything.
func TestLostPartsOfANode(t *testing.T) {
	c, end := soldOut(t)
	sound := filepath.Join(testenv.MemoryDir(t), "sound")
	if err := os.CopyFS(sound, os.DirFS(c.DataDir)); err != nil {
		t.Fatal(err)
	}
	snapshots := snapshotFolders(t, c)
	logTail := func() {
		segments, err := filepath.Glob(filepath.Join(c.DataDir, "raft-log", "0*"))
		if err != nil {
			t.Fatal(err)
		}
		path := segments[len(segments)-1]
		data := mustReadFile(t, path)
		if err := os.WriteFile(path, data[:len(data)-3], 0o640); err != nil { // as a torn append, but it was acknowledged
			t.Fatal(err)
		}
	}
	remove := func(names ...string) func() {
		return func() {
			for _, name := range names {
				if err := os.RemoveAll(filepath.Join(c.DataDir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	relative := func(i int) string { return filepath.Join("snapshots", filepath.Base(snapshots[i])) }
	for _, lost := range []struct {
		name   string
		lose   func()
		starts bool
	}{
		{"nothing", func() {}, true},
		{"the end of the log", logTail, false},
		{"the log", remove("raft-log"), false},
		{"the votes", remove(store.VotesName), false},
		{"the identity", remove("NODE.json"), false},
		{"the older snapshot", remove(relative(0)), true},
		{"the newest snapshot", remove(relative(1)), false},
		{"the description of the newest snapshot", remove(relative(1) + "/meta.json"), false},
		{"all snapshots", remove("snapshots"), false},
		{"log and snapshots", remove("snapshots", "raft-log", "journal"), false},
	} {
		if err := os.RemoveAll(c.DataDir); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(c.DataDir, os.DirFS(sound)); err != nil {
			t.Fatal(err)
		}
		lost.lose()
		if started := startOn(t, c, end, lost.name); started != lost.starts {
			t.Errorf("without %s: started is %t", lost.name, started)
		}
	}
}

// Votes that are older than the log, as from a copy of the disk, are refused: the
// node could vote twice.
func TestOldVotes(t *testing.T) {
	c := testConfig(t, "n1")
	c.DataDir = filepath.Join(testenv.MemoryDir(t), "n1")
	path := filepath.Join(c.DataDir, store.VotesName)
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	mustClose(t, n)
	old := mustReadFile(t, path)
	n = mustOpen(t, c) // another term
	eventually(t, "leadership", leads(n))
	createSale(t, n, concert(10))
	mustClose(t, n)
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c); !errors.Is(err, store.ErrVotes) {
		t.Fatalf("old votes: %v", err)
	}
}
