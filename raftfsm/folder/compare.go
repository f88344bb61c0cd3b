package folder

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/store"
)

// ErrHistory is returned when a node's files do not reach each other: what one of
// them proves to have been there, another has lost.
var ErrHistory = errors.New("this node has lost a part of its history")

// compare holds against each other what the files prove. Each of them may be whole
// and still not be what it was: a snapshot that cannot be read is passed over by raft,
// and a log whose last append is damaged looks like one that was torn.
func (f *Folder) compare(newest store.Newest) error {
	first, last := f.Log.Wal().FirstIndex(), f.Log.Wal().LastIndex()
	if first > newest.Meta.Index+1 {
		return fmt.Errorf("%w: the newest whole snapshot ends at index %d, and the log begins at %d", ErrHistory, newest.Meta.Index, first)
	}
	reaches := max(last, newest.Meta.Index)
	if f.Owner.Identity().Started && reaches == 0 {
		return fmt.Errorf("%w: %s has neither log nor snapshot", ErrHistory, f.Owner.dir)
	}

	decided, err := f.Journal.Last()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if decided.RaftIndex > reaches {
		return fmt.Errorf("%w: the journal has a decision of index %d, and the log and snapshot end at %d", ErrHistory, decided.RaftIndex, reaches)
	}
	return f.checkTerm(newest, last)
}

// checkTerm finds votes that are older than what was written under them.
func (f *Folder) checkTerm(newest store.Newest, last uint64) error {
	written := newest.Meta.Term
	if last > 0 {
		var entry raft.Log
		if err := f.Log.GetLog(last, &entry); err != nil {
			return fmt.Errorf("raft log: %w", err)
		}
		written = max(written, entry.Term)
	}

	term, err := f.Votes.Term()
	if err == nil && term < written {
		err = fmt.Errorf("%w: they are of term %d, the log is of term %d", store.ErrVotes, term, written)
	}
	return err
}
