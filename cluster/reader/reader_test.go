package reader_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"testing"

	"onsale/audit/export/exporttest"
	"onsale/audit/follow"
	"onsale/cluster/reader"
	"onsale/sequencer"
	"onsale/wal/journal"
)

var seedFlag = flag.Uint64("seed", 0, "of the stories; 0 is another one each time")

// node answers as a node does.
type node struct {
	history *journal.History
	leads   bool
	down    bool
	asked   int
	spoil   func(page []byte)
}

func (n *node) answer(q journal.PageQuestion) (journal.Page, error) {
	n.asked++
	switch {
	case n.down:
		return journal.Page{}, errors.New("down")
	case n.leads && q.Spare:
		return journal.Page{}, sequencer.ErrOverloaded
	case n.history.Position().Height < q.Height:
		return journal.ParsePage(q, nil)
	}
	data, err := n.history.AppendPage(nil, q)
	if err != nil {
		return journal.Page{}, err
	}
	if n.spoil != nil {
		n.spoil(data)
	}
	return journal.ParsePage(q, data)
}

type nodes map[string]*node

func (n nodes) ask(_ context.Context, address string, q journal.PageQuestion) (journal.Page, error) {
	q.Bytes = min(q.Bytes, 4096) // many pages, and blocks in pieces
	return n[address].answer(q)
}

// chain is a journal with a story, beginning behind a head.
func chain(t *testing.T, blocks []journal.Block, behind journal.Head) *node {
	t.Helper()
	j := exporttest.Journal(t, t.TempDir())
	if _, err := j.Restore(behind); err != nil {
		t.Fatal(err)
	}
	for i := range blocks {
		b := blocks[i]
		if err := j.Put(&b); err != nil {
			t.Fatal(err)
		}
	}
	h := journal.NewHistory(j)
	t.Cleanup(h.Close)
	return &node{history: h}
}

func story(t *testing.T, blocks int) []journal.Block {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	teller := exporttest.NewTeller(seed)
	var all []journal.Block
	for range blocks {
		all = append(all, teller.Next())
	}
	return all
}

// hashes reads what is there.
func hashes(t *testing.T, s *reader.Source) (all []journal.Hash, err error) {
	t.Helper()
	err = s.Read(t.Context(), func(b *follow.Block) error {
		all = append(all, b.Hash)
		return nil
	})
	return all, err
}

// A cluster is read block by block, each once, whichever nodes answer: one that is behind, one that
// is down, one that begins later; who leads is asked when nobody else answers.
func TestAnyNode(t *testing.T) {
	all := story(t, 200)
	whole := chain(t, all, journal.Head{})
	last := whole.history.Position()
	b, err := whole.history.Block(120)
	if err != nil {
		t.Fatal(err)
	}
	late, behind := chain(t, all[120:], b.Head()), chain(t, all[:50], journal.Head{})
	leader := chain(t, all, journal.Head{})
	leader.leads = true
	n := nodes{"down": {down: true}, "late": late, "whole": whole, "leader": leader, "behind": behind}

	s := reader.New(n.ask, []string{"down", "late", "whole", "leader"}, journal.Head{})
	if read, err := hashes(t, s); err != nil || len(read) != 200 || s.Head() != last || leader.asked != 0 {
		t.Errorf("%d blocks up to %+v, the leader was asked %d times: %v", len(read), s.Head(), leader.asked, err)
	}
	if read, err := hashes(t, reader.New(n.ask, []string{"leader"}, journal.Head{})); err != nil || len(read) != 200 {
		t.Errorf("of the leader alone: %d, %v", len(read), err)
	}
	s = reader.New(n.ask, []string{"behind", "whole"}, journal.Head{})
	if read, err := hashes(t, s); err != nil || len(read) != 50 {
		t.Errorf("of one that is behind: %d, %v", len(read), err)
	}
	behind.down = true
	if read, err := hashes(t, s); err != nil || len(read) != 150 || s.Head() != last {
		t.Errorf("and of the other: %d, %v", len(read), err)
	}
	if _, err := hashes(t, reader.New(n.ask, []string{"late"}, journal.Head{})); !errors.Is(err, journal.ErrNotKept) {
		t.Errorf("of one that begins later: %v", err)
	}
	if read, err := hashes(t, reader.New(n.ask, []string{"late"}, b.Head())); err != nil || len(read) != 80 {
		t.Errorf("behind a head: %d, %v", len(read), err)
	}
}

// A block that does not follow is refused, by whatever it is wrong.
func TestOtherHistories(t *testing.T) {
	all := story(t, 60)
	forged := chain(t, all, journal.Head{})
	forged.spoil = func(page []byte) { page[len(page)-40]++ }
	other := chain(t, story(t, 60), journal.Head{})
	b, err := chain(t, all, journal.Head{}).history.Block(30)
	if err != nil {
		t.Fatal(err)
	}
	n := nodes{"forged": forged, "other": other}
	if _, err := hashes(t, reader.New(n.ask, []string{"forged"}, journal.Head{})); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("a flipped bit: %v", err)
	}
	if *seedFlag == 0 {
		if read, err := hashes(t, reader.New(n.ask, []string{"other"}, b.Head())); !errors.Is(err, journal.ErrCorrupt) || len(read) != 0 {
			t.Errorf("another cluster: %d blocks, %v", len(read), err)
		}
	}
}
