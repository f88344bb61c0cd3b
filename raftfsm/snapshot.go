package raftfsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"onsale/internal/failpoint"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// ErrSnapshot is returned when a snapshot does not begin as one of this program's.
var ErrSnapshot = errors.New("snapshot header is malformed")

const snapshotVersion = 1

const snapshotMagic = "ONSLFSM"

// snapshotHeaderBytes is the length of what precedes the state in a snapshot.
//
//	offset  bytes  header, little-endian
//	0       7      "ONSLFSM"
//	7       1      version (1)
//	8       8      height of the journal's head
//	16      8      raft index of the journal's head
//	24      32     hash of the journal's head
//	56      8      seq of the last decided command
//	64      4      CRC-32C of everything before
//	68             state (sequencer.Snapshot)
const snapshotHeaderBytes = 68

func appendSnapshotHeader(dst []byte, head journal.Head, seq uint64) []byte {
	le, start := binary.LittleEndian, len(dst)
	dst = append(dst, snapshotMagic...)
	dst = append(dst, snapshotVersion)
	dst = le.AppendUint64(dst, head.Height)
	dst = le.AppendUint64(dst, head.RaftIndex)
	dst = append(dst, head.Hash[:]...)
	dst = le.AppendUint64(dst, seq)
	return le.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func readSnapshotHeader(in io.Reader) (journal.Head, error) {
	var data [snapshotHeaderBytes]byte
	if _, err := io.ReadFull(in, data[:]); err != nil {
		return journal.Head{}, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	le := binary.LittleEndian
	sum := crc32.Checksum(data[:snapshotHeaderBytes-4], castagnoli)
	if string(data[:7]) != snapshotMagic || sum != le.Uint32(data[snapshotHeaderBytes-4:]) {
		return journal.Head{}, fmt.Errorf("%w: no valid checksum", ErrSnapshot)
	}
	if data[7] != snapshotVersion {
		return journal.Head{}, fmt.Errorf("%w: version %d, this program knows %d", ErrSnapshot, data[7], snapshotVersion)
	}
	return journal.Head{Height: le.Uint64(data[8:]), RaftIndex: le.Uint64(data[16:]), Hash: journal.Hash(data[24:56])}, nil
}

// frozen is a snapshot that is being written.
type frozen struct {
	state   *sequencer.Snapshot
	head    journal.Head
	seq     uint64
	journal *journal.Journal

	counters *machineCounters
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
	err := f.journal.Sync()
	failpoint.Hit(failpoint.JournalSyncAfter)
	if own, ok := sink.(*snapshotSink); ok && err == nil {
		err = own.journaled()
	}
	if err == nil {
		_, err = sink.Write(appendSnapshotHeader(nil, f.head, f.seq))
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

// Release has nothing to give back: pages are shared with the state.
func (f *frozen) Release() {}
