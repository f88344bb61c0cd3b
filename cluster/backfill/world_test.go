package backfill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsale/proof/testenv"
	"onsale/wal"
	"onsale/wal/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chainBlocks is the length of the tests' chain, and snapshotAt the height of the
// snapshot that the node with the gap was restored from.
const (
	chainBlocks = 90
	snapshotAt  = 60
)

// blockAt is what is put at a height; other says of which chain.
func blockAt(height uint64, other byte) *journal.Block {
	return &journal.Block{RaftIndex: 10 + height, Term: 2, StateHash: height,
		Batch: fmt.Appendf(nil, "batch %d", height), Decisions: fmt.Appendf(nil, "decisions %d %d", height, other)}
}

// replica is a node's journal.
type replica struct {
	data    string // folder
	journal *journal.Journal
	history *journal.History
}

func (r *replica) dir() string { return filepath.Join(r.data, "journal") }

func openReplica(t testing.TB, data string, begin journal.Head) *replica {
	t.Helper()
	r := &replica{data: data}
	var err error
	if r.journal, err = journal.Open(r.dir(), journal.Options{SegmentBytes: 1 << 12}); err == nil {
		_, err = r.journal.Restore(begin)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.history = journal.NewHistory(r.journal)
	t.Cleanup(r.close)
	return r
}

func (r *replica) close() {
	r.history.Close()
	r.journal.Close() // some tests close it first
}

func (r *replica) put(t testing.TB, from, to uint64, other byte) *replica {
	t.Helper()
	for height := from; height <= to; height++ {
		if err := r.journal.Put(blockAt(height, other)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// whole is a replica that has every block; other is the chain that it took from a
// height on.
func whole(t testing.TB, forkAt uint64) *replica {
	r := openReplica(t, testenv.MemoryDir(t), journal.Head{})
	return r.put(t, 1, forkAt-1, 0).put(t, forkAt, chainBlocks, 1)
}

// restored is a replica that got a snapshot of another one, and the head of that.
func restored(t testing.TB, of *replica) (r *replica, snapshot journal.Head) {
	t.Helper()
	b, err := of.journal.Read(snapshotAt)
	if err != nil {
		t.Fatal(err)
	}
	return openReplica(t, testenv.MemoryDir(t), b.Head()).put(t, snapshotAt+1, chainBlocks, 0), b.Head()
}

// member is a peer as the filler sees it: its journal, and what is wrong with its
// answers.
type member struct {
	history *journal.History
	blocks  uint32 // of a page, at most
	spoil   func(q journal.PageQuestion, page []byte) ([]byte, error)
}

// members are the peers, in the order in which they are asked.
type members struct {
	mu    sync.Mutex
	ids   []string
	named map[string]*member
	asked map[string]int
}

func among(list map[string]*member) *members {
	m := &members{named: list, asked: map[string]int{}}
	for id := range list {
		m.ids = append(m.ids, id)
	}
	slices.Sort(m.ids)
	return m
}

func (m *members) IDs() []string { return slices.Clone(m.ids) }

func (m *members) Blocks(ctx context.Context, id string, q journal.PageQuestion) (journal.Page, error) {
	m.mu.Lock()
	m.asked[id]++
	m.mu.Unlock()
	is := m.named[id]
	limited := q
	if is.blocks > 0 {
		limited.Blocks = min(q.Blocks, is.blocks)
	}
	data, err := is.history.AppendPage(nil, limited)
	if is.spoil != nil && err == nil {
		data, err = is.spoil(q, data)
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return journal.Page{}, err
	}
	return journal.ParsePage(q, data)
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newFiller returns a filler that the test drives round by round.
func newFiller(t testing.TB, r *replica, peers Peers, change func(*Config)) (*Filler, *lines) {
	t.Helper()
	log, config := new(lines), DefaultConfig()
	config.BytesPerSecond, config.SegmentBytes = 1<<30, 1<<11
	config.Free = func() (int64, error) { return 1 << 40, nil }
	config.Files, config.Logger = wal.OS{}, slog.New(slog.NewTextHandler(log, nil))
	if change != nil {
		change(&config)
	}
	f, err := New(config, r.history, peers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, log
}

// mustRound is one round that ends well.
func mustRound(t testing.TB, f *Filler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := f.round(ctx); err != nil {
		t.Fatal(err)
	}
}

// complete returns an error unless the replica has the whole chain and nothing else.
func complete(data string, like *replica) error {
	height, last := uint64(0), journal.Head{}
	if _, err := journal.Scan(filepath.Join(data, "journal"), func(b *journal.Block) error {
		height++
		if b.Height != height {
			return fmt.Errorf("block %d is number %d", b.Height, height)
		}
		last = b.Head()
		return nil
	}); err != nil {
		return err
	}
	if last != like.journal.Position() {
		return fmt.Errorf("%d blocks up to %+v, the other has %+v", height, last, like.journal.Position())
	}
	left, err := filepath.Glob(filepath.Join(data, "journal"+fillingInfix+"*"))
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("%v are left", left))
	}
	return err
}

func mustBeComplete(t testing.TB, r, like *replica) {
	t.Helper()
	if err := complete(r.data, like); err != nil {
		t.Fatal(err)
	}
}

func has(t testing.TB, log *lines, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(log.String(), word) {
			t.Errorf("%q is not in the log:\n%s", word, log)
		}
	}
}
