package raftfsm

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// decided are the results of a journal's blocks, by seq.
func decided(t *testing.T, j *journal.Journal) (all []sequencer.Result, batches []int) {
	t.Helper()
	first, last := j.Range()
	for height := first; height <= last && first > 0; height++ {
		d, err := pastBatch(j, height)
		if err != nil {
			t.Fatal(err)
		}
		all, batches = append(all, d.Results...), append(batches, len(d.Results))
	}
	return all, batches
}

// Every run of decisions of one batch is told again as it was decided, whatever lies
// between the batches; what is of two batches, or not here, is refused.
func TestPastDecisions(t *testing.T) {
	r := mustOpenReplica(t)
	j := r.machine.journal
	if err := past(j, 1, make([]sequencer.Result, 1)); !errors.Is(err, errNotKept) {
		t.Errorf("of an empty journal: %v", err)
	}
	if err := r.apply(30); err != nil { // batches of 2, 2, 0, 1, 2, 0 and so on: ticks between others
		t.Fatal(err)
	}
	all, batches := decided(t, j)
	if len(all) != 31 || batches[2] != 0 || batches[1] != 2 {
		t.Fatalf("%d decisions in batches of %v", len(all), batches)
	}
	first := 0
	for _, size := range batches {
		for from := range size {
			for count := 1; count <= size-from; count++ {
				got := make([]sequencer.Result, count)
				if err := past(j, all[first+from].Seq, got); err != nil || !reflect.DeepEqual(got, all[first+from:first+from+count]) {
					t.Fatalf("%d from seq %d: %+v, %v", count, all[first+from].Seq, got, err)
				}
			}
			tooMany := make([]sequencer.Result, size-from+1)
			if err := past(j, all[first+from].Seq, tooMany); !errors.Is(err, errNotKept) {
				t.Fatalf("%d from seq %d, in a batch of %d: %v", len(tooMany), all[first+from].Seq, size, err)
			}
		}
		first += size
	}
	for _, seq := range []uint64{0, uint64(len(all)) + 1, 1 << 40} {
		if err := past(j, seq, make([]sequencer.Result, 1)); !errors.Is(err, errNotKept) {
			t.Errorf("seq %d: %v", seq, err)
		}
	}
}

// A journal that begins with a snapshot tells what is behind it, and nothing in front.
func TestPastBehindASnapshot(t *testing.T) {
	leader, follower := mustOpenReplica(t), mustOpenReplica(t)
	if err := errors.Join(leader.apply(33), leader.snapshot(1), leader.apply(40)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(follower.install(leader.newest), follower.apply(40)); err != nil {
		t.Fatal(err)
	}
	all, _ := decided(t, leader.machine.journal)
	kept, batches := decided(t, follower.machine.journal)
	if len(batches) != 7 || len(kept) != 7 {
		t.Fatalf("%d decisions in %d blocks are kept", len(kept), len(batches))
	}
	for _, r := range all {
		got := make([]sequencer.Result, 1)
		err := past(follower.machine.journal, r.Seq, got)
		if here := r.Seq >= kept[0].Seq; here != (err == nil) || here && !reflect.DeepEqual(got[0], r) || !here && !errors.Is(err, errNotKept) {
			t.Errorf("seq %d: %+v, %v", r.Seq, got[0], err)
		}
	}
}

// A block that cannot be read is not told from.
func TestPastOfADamagedJournal(t *testing.T) {
	j, err := journal.Open(filepath.Join(testenv.MemoryDir(t), "journal"), journal.Options{SegmentBytes: 1 << 12})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for index := uint64(1); index <= 3; index++ {
		block := journal.Block{RaftIndex: index, Batch: append([]byte{sequencer.BatchVersion}, fmt.Sprint("no batch ", index)...)}
		if err := j.Put(&block); err != nil {
			t.Fatal(err)
		}
	}
	if err := past(j, 1, make([]sequencer.Result, 1)); !errors.Is(err, errNotKept) || !errors.Is(err, sequencer.ErrBatchCorrupt) {
		t.Errorf("blocks that hold no batch: %v", err)
	}
	if err := copyPast(j, 3, 1, make([]sequencer.Result, 1)); !errors.Is(err, errNotKept) || !errors.Is(err, sequencer.ErrBatchCorrupt) {
		t.Errorf("copied: %v", err)
	}
}
