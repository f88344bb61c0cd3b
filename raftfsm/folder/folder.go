package folder

import (
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/store"
	"onsale/wal"
	"onsale/wal/journal"
)

// Options say how a data folder is opened.
type Options struct {
	Dir    string
	NodeID string // whose it must be
	Files  wal.Files
	// LogSegmentBytes and JournalSegmentBytes are the sizes of segment files.
	LogSegmentBytes, JournalSegmentBytes int
	// SnapshotsKept is how many snapshots stay.
	SnapshotsKept int
	// LogNoSync leaves out the raft log's fsync, for tests.
	LogNoSync bool
	// Stored is called after entries of the raft log became durable; nil for nobody.
	Stored func([]*raft.Log)
	// Fatal is called when writing failed: the process has to end.
	Fatal  func(error)
	Logger *slog.Logger
}

// Folder is an open data folder. Its parts were compared with each other: what one of
// them proves to have been there, the others have.
type Folder struct {
	Owner     *Owner
	IsNew     bool // made by this opening
	Log       *store.Log
	Votes     *store.Votes
	Snapshots *store.Snapshots
	Journal   *journal.Journal
	History   *journal.History // the journal with the parts beside it
}

// Open opens the two logs, the votes and the snapshots, and compares them. The raft
// log's lock is taken first: it keeps a second process away from everything else. Its
// errors are those of IsDamage, ErrIdentity and wal.ErrLocked.
func Open(o Options) (*Folder, error) {
	if err := wal.MakeDir(o.Files, o.Dir); err != nil {
		return nil, err
	}
	f := new(Folder)
	if err := f.open(&o); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) open(o *Options) (err error) {
	options := wal.DefaultOptions()
	options.SegmentBytes, options.Files, options.NoSync = o.LogSegmentBytes, o.Files, o.LogNoSync
	if f.Log, err = store.OpenLog(filepath.Join(o.Dir, "raft-log"), options, o.Stored, o.Fatal); err != nil {
		return err
	}
	if err := checkOwned(o.Dir, f.Log); err != nil {
		return err
	}
	if f.Owner, f.IsNew, err = claim(o.Files, o.Dir, o.NodeID); err != nil {
		return err
	}

	if f.Votes, err = store.OpenVotes(o.Files, o.Dir, f.Owner.Identity().Started, o.Fatal); err != nil {
		return err
	}
	if f.Snapshots, err = store.OpenSnapshots(o.Files, o.Dir, o.SnapshotsKept, o.Logger); err != nil {
		return err
	}
	newest, err := f.Snapshots.Newest()
	if err != nil {
		return err
	}

	f.Journal, err = journal.Open(JournalDir(o.Dir), journal.Options{SegmentBytes: o.JournalSegmentBytes,
		DurableHeight: newest.Journaled, Files: o.Files})
	if err != nil {
		return err
	}
	f.History = journal.NewHistory(f.Journal)
	tellRepair(o.Logger, "raft log", f.Log.Wal().Repaired())
	tellRepair(o.Logger, "journal", f.Journal.Repaired())
	return f.compare(newest)
}

// JournalDir returns where the journal is in a data folder.
func JournalDir(dir string) string { return filepath.Join(dir, "journal") }

// tellRepair says what opening a log has cut from its end.
func tellRepair(to *slog.Logger, what string, r wal.Repair) {
	if r.Bytes > 0 {
		to.Warn("a torn end was cut", "log", what, "bytes", r.Bytes, "last_index", r.LastIndex, "copy", r.Copy)
	}
}

// Close closes what is open.
func (f *Folder) Close() error {
	var errs []error
	if f.History != nil {
		f.History.Close()
	}
	if f.Journal != nil {
		errs = append(errs, f.Journal.Close())
	}
	if f.Votes != nil {
		errs = append(errs, f.Votes.Close())
	}
	if f.Log != nil {
		errs = append(errs, f.Log.Close())
	}
	return errors.Join(errs...)
}
