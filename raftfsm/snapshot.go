package raftfsm

import (
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"onsale/internal/failpoint"
	"onsale/internal/moment"
	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// frozen is a snapshot that is being written.
type frozen struct {
	state   *sequencer.Snapshot
	head    journal.Head
	seq     uint64
	journal *journal.Journal

	counters   *machineCounters
	journaling *moment.Calls
}

// Persist makes the journal durable up to the snapshot and then writes it: once
// the snapshot counts, raft may forget entries that the journal must not miss.
// What if we die in between? There is no snapshot, and raft still has everything.
func (f *frozen) Persist(sink raft.SnapshotSink) error {
	started := time.Now()
	err := f.persist(sink)
	if err != nil {
		f.counters.snapshotsFailed.Add(1)
		return err
	}
	f.counters.snapshots.Add(1)
	f.counters.snapshotTimes.Observe(time.Since(started))
	return nil
}

func (f *frozen) persist(sink raft.SnapshotSink) error {
	err := f.syncJournal()
	if own, ok := sink.(*store.Sink); ok && err == nil {
		err = own.Journaled()
	}
	if err == nil {
		_, err = sink.Write(store.AppendHeader(nil, f.head, f.seq))
	}
	if err == nil {
		_, err = f.state.WriteTo(sink)
	}
	if err != nil {
		return errors.Join(err, sink.Cancel())
	}
	failpoint.Hit(failpoint.SnapshotWritten)
	return sink.Close()
}

// syncJournal keeps decisions waiting when it hangs.
func (f *frozen) syncJournal() error {
	defer f.journaling.End(f.journaling.Begin())
	failpoint.Hit(failpoint.JournalSyncBefore)
	err := f.journal.Sync()
	failpoint.Hit(failpoint.JournalSyncAfter)
	return err
}

// Release has nothing to give back: pages are shared with the state.
func (f *frozen) Release() {}
