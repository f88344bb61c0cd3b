package folder

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/store"
	"onsale/wal"
	"onsale/wal/journal"
)

func optionsOf(dir string) Options {
	return Options{Dir: dir, NodeID: "n1", Files: wal.OS{}, LogSegmentBytes: 1 << 12, JournalSegmentBytes: 1 << 12,
		SnapshotsKept: 2, Fatal: func(error) {}, Logger: slog.New(slog.DiscardHandler)}
}

func mustOpen(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(optionsOf(dir))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// parts is what the files of a folder prove.
type parts struct {
	started     bool
	first, last uint64 // entries of the log; none when last is 0
	logTerm     uint64 // of the last entry; those in front of it are of term 1
	decided     uint64 // raft index of the journal's only block; none when it is 0
	term        uint64 // of the votes
	snapshot    raft.SnapshotMeta
}

// lay writes the parts into an open folder.
func (p *parts) lay(t *testing.T, f *Folder) {
	t.Helper()
	var err error
	if p.started {
		err = f.Owner.MarkStarted()
	}
	for index := p.first; index <= p.last && p.last > 0; index++ {
		entry := raft.Log{Index: index, Term: 1, Data: []byte("data")}
		if index == p.last {
			entry.Term = p.logTerm
		}
		err = errors.Join(err, f.Log.StoreLog(&entry))
	}
	if p.decided > 0 {
		err = errors.Join(err, f.Journal.Put(&journal.Block{RaftIndex: p.decided}))
	}
	if err := errors.Join(err, f.Votes.SetUint64([]byte("CurrentTerm"), p.term)); err != nil {
		t.Fatal(err)
	}
}

// What one file proves to have been there, the others must have; at the very bound they do.
func TestCompare(t *testing.T) {
	at := func(index, term uint64) raft.SnapshotMeta { return raft.SnapshotMeta{Index: index, Term: term} }
	for _, c := range []struct {
		name string
		is   parts
		want error
		says string
	}{
		{"a new folder", parts{}, nil, ""},
		{"nothing, where raft has written", parts{started: true, term: 1}, ErrHistory, "neither log nor snapshot"},
		{"a log alone", parts{started: true, first: 1, last: 3, logTerm: 2, term: 2}, nil, ""},
		{"a snapshot alone", parts{started: true, term: 2, snapshot: at(5, 2)}, nil, ""},
		{"a log that goes on behind the snapshot", parts{first: 6, last: 8, logTerm: 1, term: 1, snapshot: at(5, 1)}, nil, ""},
		{"a log that begins within the snapshot", parts{first: 5, last: 8, logTerm: 1, term: 1, snapshot: at(5, 1)}, nil, ""},
		{"a gap behind the snapshot", parts{first: 7, last: 8, logTerm: 1, term: 1, snapshot: at(5, 1)}, ErrHistory, "ends at index 5, and the log begins at 7"},
		{"a log that begins at 2 without a snapshot", parts{first: 2, last: 3, logTerm: 1, term: 1}, ErrHistory, "ends at index 0, and the log begins at 2"},
		{"a journal up to the log's end", parts{first: 1, last: 3, logTerm: 1, term: 1, decided: 3}, nil, ""},
		{"a journal behind the log's end", parts{first: 1, last: 3, logTerm: 1, term: 1, decided: 4}, ErrHistory, "decision of index 4, and the log and snapshot end at 3"},
		{"a journal up to the snapshot", parts{first: 1, last: 3, logTerm: 1, term: 1, decided: 4, snapshot: at(4, 1)}, nil, ""},
		{"a journal behind the snapshot", parts{first: 1, last: 3, logTerm: 1, term: 1, decided: 5, snapshot: at(4, 1)}, ErrHistory, "end at 4"},
		{"votes older than the log", parts{first: 1, last: 3, logTerm: 3, term: 2}, store.ErrVotes, "they are of term 2, the log is of term 3"},
		{"votes newer than the log", parts{first: 1, last: 3, logTerm: 3, term: 9}, nil, ""},
		{"votes older than the snapshot", parts{first: 1, last: 3, logTerm: 1, term: 2, snapshot: at(3, 3)}, store.ErrVotes, "of term 2, the log is of term 3"},
		{"votes older than a snapshot alone", parts{term: 1, snapshot: at(5, 2)}, store.ErrVotes, "of term 1, the log is of term 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := mustOpen(t, testenv.MemoryDir(t))
			defer f.Close()
			c.is.lay(t, f)
			err := f.compare(store.Newest{Meta: c.is.snapshot})
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %v with %q", err, c.want, c.says)
			}
		})
	}
}

// A part that cannot be read is told as it is, and not as a comparison.
func TestComparePartsThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(f *Folder) error
		want  error
		says  string
	}{
		"journal": {func(f *Folder) error {
			return errors.Join(f.Journal.Put(&journal.Block{RaftIndex: 1}), f.Journal.Close())
		},
			wal.ErrClosed, "journal: "},
		"log":   {func(f *Folder) error { return f.Log.Wal().Append(1, [][]byte{{1}}) }, store.ErrRecord, "raft log: "},
		"votes": {func(f *Folder) error { return f.Votes.Set([]byte("CurrentTerm"), []byte("odd")) }, store.ErrVotes, "3 bytes"},
	} {
		f := mustOpen(t, testenv.MemoryDir(t))
		if err := c.spoil(f); err != nil {
			t.Fatal(err)
		}
		if err := f.compare(store.Newest{Meta: raft.SnapshotMeta{Index: 1, Term: 1}}); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		_ = f.Close() // the journal is closed twice
	}
}
