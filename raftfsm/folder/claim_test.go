package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"onsale/proof/testenv"
	"onsale/raftfsm/peer"
	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
	"onsale/wal/waltest"
)

// An identity that could not be written is not the current one.
func TestIdentityThatCannotBeChanged(t *testing.T) {
	dir := testenv.MemoryDir(t)
	o, isNew, err := claim(wal.OS{}, dir, "n1")
	if err != nil || !isNew {
		t.Fatal(isNew, err)
	}
	before := o.Identity()
	disk, err := waltest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	disk.FailAt, o.files = 1, disk
	if err := o.MarkStarted(); !errors.Is(err, waltest.ErrInjected) || !strings.Contains(err.Error(), identityName) {
		t.Errorf("told is %v", err)
	}
	if is := o.Identity(); is.Started || is.Checksum != before.Checksum {
		t.Errorf("the current identity is %+v, was %+v", is, before)
	}
	if err := o.MarkStarted(); err != nil || !o.Identity().Started { // the disk failed once
		t.Errorf("%+v, %v", o.Identity(), err)
	}
}

// A node notes once that raft has written, whatever its folder says of it before.
func TestMarkStartedOnce(t *testing.T) {
	dir := testenv.MemoryDir(t)
	o, _, err := claim(wal.OS{}, dir, "n1")
	if err != nil {
		t.Fatal(err)
	}
	disk, err := waltest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.files = disk
	if err := o.MarkStarted(); err != nil || !o.Identity().Started || disk.Calls() == 0 {
		t.Fatalf("%+v after %d calls, %v", o.Identity(), disk.Calls(), err)
	}
	calls := disk.Calls()
	if err := o.MarkStarted(); err != nil || disk.Calls() != calls {
		t.Errorf("%d calls more, %v", disk.Calls()-calls, err)
	}
	again, isNew, err := claim(wal.OS{}, dir, "n1")
	if err != nil || isNew || !again.Identity().Started || again.Identity().Folder != o.Identity().Folder {
		t.Errorf("read again: %t, %+v, %v", isNew, again.Identity(), err)
	}
}

// The cluster that an identity names is the one that it was given.
func TestClusterOfAnIdentity(t *testing.T) {
	o, _, err := claim(wal.OS{}, testenv.MemoryDir(t), "n1")
	if err != nil {
		t.Fatal(err)
	}
	if id, number := o.Cluster(); id != (peer.ClusterID{}) || number != 0 {
		t.Errorf("nobody's is %v, %d", id, number)
	}
	want := NewClusterID()
	if want == (peer.ClusterID{}) || want == NewClusterID() {
		t.Error("an id is drawn twice")
	}
	if err := o.Change(func(i *Identity) { i.ClusterID, i.ClusterNumber = want.String(), 9 }); err != nil {
		t.Fatal(err)
	}
	if id, number := o.Cluster(); id != want || number != 9 {
		t.Errorf("%v, %d, want %v, 9", id, number, want)
	}
	if a, b := newIdentity("n1"), newIdentity("n1"); a.Folder == b.Folder || len(a.Folder) != 32 || strings.Trim(a.Folder, "0") == "" {
		t.Errorf("folders %q and %q", a.Folder, b.Folder)
	}
}

// What has the right checksum is held to its content all the same.
func TestIdentitiesThatAreNone(t *testing.T) {
	for name, change := range map[string]func(*Identity){
		"no node":         func(i *Identity) { i.NodeID = "" },
		"no cluster's id": func(i *Identity) { i.ClusterID = "odd" },
	} {
		dir, is := testenv.MemoryDir(t), newIdentity("n1")
		change(&is)
		if err := writeIdentity(wal.OS{}, dir, &is); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadIdentity(dir); got != nil || !errors.Is(err, ErrIdentityDamaged) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if o, _, err := claim(wal.OS{}, dir, "n1"); o != nil || !errors.Is(err, ErrIdentityDamaged) {
			t.Errorf("%s is claimed: %v", name, err)
		}
	}
	if _, err := ReadIdentity(testenv.MemoryDir(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

// A folder is set aside only while nobody has it open, and only when it is there.
func TestSetAsideNeedsAStoppedNode(t *testing.T) {
	parent := testenv.MemoryDir(t)
	dir := filepath.Join(parent, "n1")
	if aside, err := SetAside(dir); aside != "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %q, %v", aside, err)
	}
	f := mustOpen(t, dir)
	if aside, err := SetAside(dir); aside != "" || !errors.Is(err, wal.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("an open one: %q, %v", aside, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := MustBeStopped(dir); err != nil {
		t.Error(err)
	}
	mustOpen(t, dir).Close() // looking keeps no lock
	aside, err := SetAside(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(aside, identityName)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old name: %v", err)
	}
}

// What the file system says of a name is told, and is not taken for a free name.
func TestNamesThatCannotBeLookedAt(t *testing.T) {
	parent := testenv.MemoryDir(t)
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if aside, err := asideOf(filepath.Join(file, "n1"), time.Unix(0, 0)); aside != "" || !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("beside a file's child: %q, %v", aside, err)
	}
	if err := MustBeStopped(file); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file has %v", err)
	}
	long := filepath.Join(parent, strings.Repeat("n", 250))
	if err := os.Mkdir(long, 0o750); err != nil {
		t.Fatal(err)
	}
	if aside, err := SetAside(long); aside != "" || !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("a name that is too long beside: %q, %v", aside, err)
	}
	if _, err := os.Stat(long); err != nil {
		t.Error(err)
	}
	if err := checkOwned(filepath.Join(file, "n1"), nil); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("the identity in a file: %v", err)
	}
}

// What says that a folder is damaged is known through every wrapping; other errors are not.
func TestIsDamage(t *testing.T) {
	for _, damaged := range []error{wal.ErrCorrupt, journal.ErrCorrupt, journal.ErrDiverged, ErrHistory, ErrIdentityDamaged,
		store.ErrVotes, store.ErrSnapshot, store.ErrRecord, sequencer.ErrSnapshotCorrupt, sequencer.ErrBatchCorrupt} {
		if !IsDamage(fmt.Errorf("opening: %w", damaged)) {
			t.Errorf("%v is no damage", damaged)
		}
	}
	for _, sound := range []error{nil, wal.ErrLocked, ErrIdentity, fs.ErrNotExist} {
		if IsDamage(sound) {
			t.Errorf("%v is damage", sound)
		}
	}
}
