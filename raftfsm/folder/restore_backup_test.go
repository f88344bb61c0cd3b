package folder

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/peer"
	"onsale/raftfsm/store"
	"onsale/sequencer"
)

// wallClock is a wall clock that stands still.
type wallClock time.Time

func (c wallClock) Now() time.Time { return time.Time(c) }

// restoredAt is long after what the backups hold.
var restoredAt = time.Unix(1_900_000_000, 5)

// into is a restore of a successor into a folder.
func into(dir string) Restore {
	return Restore{Dir: dir, NodeID: "n9", Address: "c:1", Cause: sequencer.BirthRestore, Clock: wallClock(restoredAt)}
}

// A restored folder is a new cluster's: one voter, which goes on from the backup in the
// term that it was taken in.
func TestRestoreBackup(t *testing.T) {
	dir, backup := filepath.Join(testenv.MemoryDir(t), "made", "n9"), backupOf(t, snapshotBytes(t))
	info, err := RestoreBackup(bytes.NewReader(backup), into(dir))
	if err != nil || info.NodeID != backedUp.NodeID || info.Index != backedUp.Index {
		t.Fatalf("%+v, %v", info, err)
	}
	o := optionsOf(dir)
	o.NodeID = "n9"
	f, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	is := f.Owner.Identity()
	id, number := f.Owner.Cluster()
	if f.IsNew || !is.Started || is.NodeID != "n9" || number != backedUp.ClusterNumber || id == (peer.ClusterID{}) || is.ClusterID == backedUp.ClusterID {
		t.Errorf("new: %t, %+v", f.IsNew, is)
	}
	if is.Birth == nil || *is.Birth != (BirthMark{Cause: sequencer.BirthRestore, Time: restoredAt.UnixNano()}) {
		t.Errorf("its birth is %+v", is.Birth)
	}
	term, err := f.Votes.Term()
	if err != nil || term != backedUp.Term {
		t.Errorf("term %d, %v", term, err)
	}
	newest, err := f.Snapshots.Newest()
	if err != nil || newest.Head != backedUpHead || newest.Meta.Index != backedUp.Index || newest.Meta.Term != backedUp.Term {
		t.Errorf("%+v, %v", newest, err)
	}
	voter := raft.Server{Suffrage: raft.Voter, ID: "n9", Address: "c:1"}
	if of := newest.Meta.Configuration.Servers; len(of) != 1 || of[0] != voter || newest.Meta.ConfigurationIndex != backedUp.Index {
		t.Errorf("members %+v as of %d", of, newest.Meta.ConfigurationIndex)
	}
	_, content, err := f.Snapshots.Open(newest.Meta.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if head, state, err := store.ReadSnapshot(content); err != nil || head != backedUpHead || state.OrderCount() != 1 {
		t.Errorf("%+v, %v", head, err)
	}
}

// A folder with anything in it is left as it is.
func TestRestoreBackupNeedsAnEmptyFolder(t *testing.T) {
	dir := testenv.MemoryDir(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o640); err != nil {
		t.Fatal(err)
	}
	backup := backupOf(t, snapshotBytes(t))
	if _, err := RestoreBackup(bytes.NewReader(backup), into(dir)); !errors.Is(err, ErrIdentity) {
		t.Errorf("a used folder: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := RestoreBackup(bytes.NewReader(backup), into(filepath.Join(file, "n9"))); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a folder in a file: %v", err)
	}
}

// What cannot be restored leaves an empty folder, so that the next try is not in its way.
func TestRestoreBackupThatIsNone(t *testing.T) {
	sound := backupOf(t, snapshotBytes(t))
	changed := bytes.Clone(sound)
	changed[len(changed)-1]++ // of the checksum, which is read last
	header := snapshotBytes(t)[:68]
	for name, c := range map[string]struct {
		backup []byte
		want   error
	}{
		"nothing":            {nil, ErrBackup},
		"cut":                {sound[:len(sound)-1], ErrBackup},
		"a wrong checksum":   {changed, ErrBackup},
		"no snapshot in it":  {backupOf(t, []byte(strings.Repeat("odd", 40))), store.ErrSnapshot},
		"a snapshot too far": {backupOf(t, header), ErrBackup},
	} {
		dir := filepath.Join(testenv.MemoryDir(t), "n9")
		info, err := RestoreBackup(bytes.NewReader(c.backup), into(dir))
		if info != nil || !errors.Is(err, ErrBackup) || !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s leaves %v, %v", name, entries, err)
		}
		if _, err := RestoreBackup(bytes.NewReader(sound), into(dir)); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	if err := emptyFolder(filepath.Join(testenv.MemoryDir(t), "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("emptying what is not there: %v", err)
	}
}
