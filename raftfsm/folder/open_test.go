package folder

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/store"
	"onsale/wal"
	"onsale/wal/journal"
	"onsale/wal/waltest"
)

// A folder is made once, is one node's, and belongs to one process at a time.
func TestOpenAgain(t *testing.T) {
	dir := filepath.Join(testenv.MemoryDir(t), "made", "n1")
	f := mustOpen(t, dir)
	is := f.Owner.Identity()
	if !f.IsNew || is.NodeID != "n1" || is.Started || is.ClusterID != "" || f.History.Dir() != JournalDir(dir) {
		t.Errorf("new: %t, %+v", f.IsNew, is)
	}
	if _, err := Open(optionsOf(dir)); !errors.Is(err, wal.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	other := optionsOf(dir)
	other.NodeID = "n2"
	if _, err := Open(other); !errors.Is(err, ErrIdentity) || !strings.Contains(err.Error(), `made by node "n1", this is node "n2"`) {
		t.Errorf("another node's: %v", err)
	}
	f = mustOpen(t, dir) // whoever was refused has let go of everything
	if f.IsNew || f.Owner.Identity().Folder != is.Folder {
		t.Errorf("new: %t, %+v, was %+v", f.IsNew, f.Owner.Identity(), is)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir).Close()
}

// What a process has stored is there for the next one, and is told meanwhile.
func TestOpenWithWhatWasStored(t *testing.T) {
	o := optionsOf(testenv.MemoryDir(t))
	stored := 0
	o.Stored = func(logs []*raft.Log) { stored += len(logs) }
	f, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	is := parts{started: true, first: 1, last: 3, logTerm: 2, term: 2, decided: 3}
	is.lay(t, f)
	if err := f.Close(); err != nil || stored != 3 {
		t.Fatalf("%d entries are told as stored, %v", stored, err)
	}

	f = mustOpen(t, o.Dir)
	defer f.Close()
	last, err := f.Log.LastIndex()
	term, err2 := f.Votes.Term()
	head, err3 := f.Journal.Last()
	if err := errors.Join(err, err2, err3); err != nil || last != 3 || term != 2 || head.RaftIndex != 3 || !f.Owner.Identity().Started {
		t.Errorf("log to %d, term %d, journal %+v, %+v, %v", last, term, head, f.Owner.Identity(), err)
	}
}

// A part that is damaged or gone is damage, and whoever was refused lets go of the rest.
func TestOpenDamagedParts(t *testing.T) {
	inside := func(dir, pattern string) string {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		return found[0]
	}
	write := func(pattern string) func(string) error {
		return func(dir string) error { return os.WriteFile(inside(dir, pattern), []byte("odd"), 0o640) }
	}
	remove := func(names ...string) func(string) error {
		return func(dir string) (err error) {
			for _, name := range names {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
			}
			return err
		}
	}
	for name, c := range map[string]struct {
		harm func(dir string) error
		want error
	}{
		"log":                       {write("raft-log/MANIFEST"), wal.ErrCorrupt},
		"identity":                  {write(identityName), ErrIdentityDamaged},
		"votes":                     {write(store.VotesName), store.ErrVotes},
		"journal":                   {write("journal/MANIFEST"), wal.ErrCorrupt},
		"no identity":               {remove(identityName), ErrIdentityDamaged},
		"no identity and no votes":  {remove(identityName, store.VotesName), ErrIdentityDamaged},
		"no identity and no log":    {remove(identityName, "raft-log"), ErrIdentityDamaged},
		"no votes":                  {remove(store.VotesName), store.ErrVotes},
		"no log":                    {remove("raft-log"), ErrHistory},
		"no journal, which is made": {remove("journal"), nil},
	} {
		dir := testenv.MemoryDir(t)
		f := mustOpen(t, dir)
		is := parts{started: true, first: 1, last: 3, logTerm: 2, term: 2, decided: 3}
		is.lay(t, f)
		if err := errors.Join(f.Close(), c.harm(dir)); err != nil {
			t.Fatal(name, err)
		}
		f, err := Open(optionsOf(dir))
		if !errors.Is(err, c.want) || IsDamage(err) != (c.want != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			err = f.Close()
		}
		if locked := MustBeStopped(dir); errors.Is(locked, wal.ErrLocked) {
			t.Errorf("%s: the folder is still locked: %v", name, err)
		}
	}
}

// No failure of the disk is kept from who opens a folder: each call fails in turn. The
// folder is let go, and the next opening finds what it needs or says what it misses.
func TestOpenOnAFailingDisk(t *testing.T) {
	for _, used := range []bool{false, true} {
		for _, kind := range waltest.Kinds() {
			for failAt, struck := 1, true; struck; failAt++ {
				struck = openFailing(t, used, failAt, kind)
			}
		}
	}
}

func openFailing(t *testing.T, used bool, failAt int, kind waltest.Kind) (struck bool) {
	t.Helper()
	root := testenv.MemoryDir(t)
	o := optionsOf(filepath.Join(root, "n1"))
	if used {
		f := mustOpen(t, o.Dir)
		is := parts{started: true, first: 1, last: 3, logTerm: 2, term: 2, decided: 3}
		is.lay(t, f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	disk, err := waltest.New(root)
	if err != nil {
		t.Fatal(err)
	}
	disk.FailAt, disk.FailKind = failAt, kind
	o.Files = disk
	f, err := Open(o)
	if err == nil {
		err = f.Close()
	}
	if struck = disk.Struck(); struck != errors.Is(err, waltest.ErrInjected) || !struck && err != nil {
		t.Fatalf("%s (used: %t, kind %d): %v", disk.Last(), used, kind, err)
	}

	again, err := Open(optionsOf(o.Dir))
	if err != nil && !IsDamage(err) {
		t.Fatalf("after %s (used: %t, kind %d): %v", disk.Last(), used, kind, err)
	}
	if err == nil {
		again.Close()
	}
	return struck
}

// What was cut from the end of a log or of the journal is told, and nothing else is.
func TestRepairIsTold(t *testing.T) {
	dir := testenv.MemoryDir(t)
	f := mustOpen(t, dir)
	is := parts{first: 1, last: 3, logTerm: 1, term: 1, decided: 3}
	is.lay(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for part, what := range map[string]string{"raft-log": `log="raft log" bytes=5`, "journal": "log=journal bytes=5"} {
		for _, torn := range []bool{false, true} {
			if torn {
				tear(t, filepath.Join(dir, part))
			}
			var said bytes.Buffer
			o := optionsOf(dir)
			o.Logger = slog.New(slog.NewTextHandler(&said, nil))
			f, err := Open(o)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			if told := strings.Count(said.String(), "a torn end was cut"); torn != (told == 1) || torn != strings.Contains(said.String(), what) {
				t.Errorf("%s, torn: %t, told: %s", part, torn, &said)
			}
		}
	}
}

// tear leaves five bytes of an append at a log's end, as a crash does.
func tear(t *testing.T, dir string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	path := segments[len(segments)-1]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	torn := append(bytes.TrimRight(data, "\x00"), 0xff, 0xff, 0xff, 0xff, 0xff) // a length that does not end
	if err := os.WriteFile(path, torn, 0o640); err != nil {
		t.Fatal(err)
	}
}

// The journal that a snapshot was made over was durable up to there: an end that is gone
// is damage in front of it, and a crash's doing behind it.
func TestOpenKnowsHowFarTheJournalWasDurable(t *testing.T) {
	for height, want := range map[uint64]error{2: wal.ErrCorrupt, 1: nil} {
		dir := testenv.MemoryDir(t)
		f := mustOpen(t, dir)
		is := parts{first: 1, last: 3, logTerm: 1, term: 1, decided: 2}
		is.lay(t, f)
		if err := f.Journal.Put(&journal.Block{RaftIndex: 3}); err != nil {
			t.Fatal(err)
		}
		saveSnapshot(t, f, 3, 1, journal.Head{Height: height, RaftIndex: 1 + height})
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		flipLast(t, filepath.Join(dir, "journal"))
		f, err := Open(optionsOf(dir))
		if !errors.Is(err, want) {
			t.Errorf("durable up to %d: %v", height, err)
		}
		if err == nil {
			f.Close()
		}
	}
}

// A snapshot that another program wrote is damage, and nothing to pass over.
func TestOpenOnAnotherProgramsSnapshot(t *testing.T) {
	dir := testenv.MemoryDir(t)
	f := mustOpen(t, dir)
	is := parts{first: 1, last: 3, logTerm: 1, term: 1}
	is.lay(t, f)
	saveBytes(t, f, 3, 1, []byte("odd"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(optionsOf(dir)); f != nil || !errors.Is(err, store.ErrSnapshot) || !IsDamage(err) {
		t.Errorf("opened: %v", err)
	}
}

// saveSnapshot writes a snapshot that was made here.
func saveSnapshot(t *testing.T, f *Folder, index, term uint64, head journal.Head) {
	t.Helper()
	saveBytes(t, f, index, term, store.AppendHeader(nil, head, 1))
}

func saveBytes(t *testing.T, f *Folder, index, term uint64, content []byte) {
	t.Helper()
	_, trans := raft.NewInmemTransport("a:1")
	sink, err := f.Snapshots.Create(raft.SnapshotVersionMax, index, term, raft.Configuration{}, 1, trans)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sink.Write(content)
	if err := errors.Join(err, sink.(*store.Sink).Journaled(), sink.Close()); err != nil {
		t.Fatal(err)
	}
}

// flipLast flips a bit of a log's last record.
func flipLast(t *testing.T, dir string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	path := segments[len(segments)-1]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(bytes.TrimRight(data, "\x00"))-1] ^= 1
	if err := os.WriteFile(path, data, 0o640); err != nil {
		t.Fatal(err)
	}
}
