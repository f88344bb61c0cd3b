package raftfsm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/wal"
	"onsale/wal/waltest"
)

// damages calls do with every shorter file and with flipped bits: all of them where
// there are bytes, one in each seventh byte of zeros.
func damages(sound []byte, do func(what string, data []byte)) {
	for cut := range sound {
		if cut%4096 == 0 || sound[cut] != 0 {
			do(fmt.Sprintf("cut at %d", cut), sound[:cut:cut])
		}
	}
	for at := range sound {
		for bit := range 8 {
			if sound[at] == 0 && (at%7 != 0 || bit != at%8) {
				continue
			}
			data := slices.Clone(sound)
			data[at] ^= 1 << bit
			do(fmt.Sprintf("byte %d, bit %d", at, bit), data)
		}
	}
}

func mustReadFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every cut and flip of NODE.json is refused, or it says the same as before.
func TestEveryDamageOfIdentity(t *testing.T) {
	dir := memoryDir(t)
	is := newIdentity("n1")
	is.ClusterID, is.ClusterNumber, is.Started, is.Bootstrap = newClusterID().String(), 3, true, []Member{{ID: "n1", Address: "a:1", Folder: "f", Voter: true}}
	if err := writeIdentity(wal.OS{}, dir, &is); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, identityName)
	refused := 0
	damages(mustReadFile(t, path), func(what string, data []byte) {
		if err := os.WriteFile(path, data, 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := ReadIdentity(dir)
		switch {
		case err == nil && got.checksum() != is.Checksum:
			t.Fatalf("%s: read as %+v", what, got)
		case err != nil && !errors.Is(err, ErrIdentityDamaged):
			t.Fatalf("%s: %v", what, err)
		case err != nil:
			refused++
		}
	})
	if refused < 1000 {
		t.Fatalf("%d refused", refused)
	}
}

// The identity is the old one or the new one after a power cut at any call, and
// after the return the new one.
func TestIdentityAfterAPowerCut(t *testing.T) {
	old, changed := newIdentity("n1"), newIdentity("n1")
	changed.Started = true
	for call := range 12 {
		for _, kind := range waltest.Kinds() {
			dir := memoryDir(t)
			if err := writeIdentity(wal.OS{}, dir, &old); err != nil {
				t.Fatal(err)
			}
			d, err := waltest.New(dir)
			if err != nil {
				t.Fatal(err)
			}
			d.FailAt, d.FailKind = call, kind
			written := writeIdentity(d, dir, &changed)
			if (written != nil) != d.Struck() {
				t.Fatalf("call %d in way %d: %v", call, kind, written)
			}
			for _, image := range d.Images() {
				there := memoryDir(t)
				if err := image.Lay(there); err != nil {
					t.Fatal(err)
				}
				is, err := ReadIdentity(there)
				if err != nil || is.Folder != changed.Folder && (written == nil || is.Folder != old.Folder) {
					t.Fatalf("call %d in way %d, which said %v: %+v, %v", call, kind, written, is, err)
				}
			}
		}
	}
}

// soldOut makes a node's folder with two snapshots, a log that begins between them,
// and a journal; it returns the node's configuration and what it was at the end.
func soldOut(t *testing.T) (Config, Status) {
	c := testConfig(t, "n1")
	c.DataDir, c.LogSegmentBytes = filepath.Join(memoryDir(t), "n1"), 1<<10
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
	n := &Node{config: c}
	var err error
	if n.snapshots, err = openSnapshotStore(c.Files, c.DataDir, 2, c.Logger); err != nil {
		t.Fatal(err)
	}
	before, err := n.latestSnapshot()
	if err != nil || !strings.HasSuffix(folder, before.meta.ID) {
		t.Fatalf("newest is %+v in %s, %v", before.meta, folder, err)
	}
	description := describe(&before.meta)
	passed, same := 0, 0
	for _, name := range []string{"meta.json", "state.bin", checksumName} {
		path := filepath.Join(folder, name)
		sound := mustReadFile(t, path)
		damages(sound, func(what string, data []byte) {
			if err := os.WriteFile(path, data, 0o640); err != nil {
				t.Fatal(err)
			}
			found, err := n.latestSnapshot()
			switch {
			case err != nil && !IsDamage(err):
				t.Fatalf("%s of %s: %v", what, name, err)
			case err == nil && found.meta.ID == before.meta.ID:
				if same++; !bytes.Equal(describe(&found.meta), description) || found.head != before.head || name != "meta.json" {
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
	sound := filepath.Join(memoryDir(t), "sound")
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
		{"the votes", remove(votesName), false},
		{"the identity", remove(identityName), false},
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
	c.DataDir = filepath.Join(memoryDir(t), "n1")
	path := filepath.Join(c.DataDir, votesName)
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
	if _, err := Open(c); !errors.Is(err, ErrVotes) {
		t.Fatalf("old votes: %v", err)
	}
}

// A node that is repaired again within the same second keeps what was set aside before.
func TestSetAsideTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n1")
	seen := map[string]string{}
	for _, content := range []string{"first", "second", "third"} {
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
		aside, err := SetAside(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, again := seen[aside]; again {
			t.Errorf("%s twice", aside)
		}
		seen[aside] = content
	}
	for aside, content := range seen {
		if text, err := os.ReadFile(filepath.Join(aside, "file")); err != nil || string(text) != content {
			t.Errorf("%s has %q (%v), not %q", aside, text, err, content)
		}
	}
}

// The name that is taken by nobody is found, as long as there is one.
func TestAsideOf(t *testing.T) {
	parent, now := t.TempDir(), time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)
	dir := filepath.Join(parent, "n1")
	for n := range asidesMax {
		aside, err := asideOf(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		if want := "n1-damaged-20261125T200000Z"; n == 0 && filepath.Base(aside) != want || n > 0 && filepath.Base(aside) != fmt.Sprintf("%s-%d", want, n+1) {
			t.Errorf("the name number %d is %s", n+1, aside)
		}
		if err := os.Mkdir(aside, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if aside, err := asideOf(dir, now); err == nil {
		t.Errorf("one more is %s", aside)
	}
}
