package archive

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/audit/archive/blob"
	"onsale/audit/archive/blob/blobtest"
	"onsale/audit/follow"
	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// A journal that grows is archived as it is, piece by piece, and nothing that was put is changed.
func TestArchive(t *testing.T) {
	seed := storySeed(t)
	w, store := newWorld(t, seed), blob.NewFolder(testenv.MemoryDir(t))
	if _, err := Open(t.Context(), store); !errors.Is(err, ErrNone) {
		t.Errorf("an archive that is not there: %v", err)
	}
	var before []Row
	for range 5 {
		w.sell(60)
		if err := w.archive(store); err != nil {
			t.Fatal(err)
		}
		holds(t, store, w)
		c := mustOpen(t, store)
		for i, row := range before {
			if c.Rows()[i] != row {
				t.Fatalf("row %d is another one", i+1)
			}
		}
		before = c.Rows()
		if about := c.About(); about.Number != 3 || about.Cluster != before[0].Birth {
			t.Errorf("about %+v", about)
		}
		last := before[len(before)-1]
		if last.LastSeq != w.state.Seq() || last.LastTime.UnixNano() != w.state.Now() {
			t.Errorf("the last row ends with %d at %v", last.LastSeq, last.LastTime)
		}
	}
	if err := w.archive(store); err != nil || len(mustOpen(t, store).Rows()) != len(before) || len(before) < 10 {
		t.Errorf("nothing was new: %v, %d rows", err, len(before))
	}
}

// A segment ends at its bytes, or at the first block that is longer.
func TestSegmentBytes(t *testing.T) {
	w, store := newWorld(t, 1), blob.NewFolder(testenv.MemoryDir(t))
	w.sell(30)
	if err := w.archiver(store, func(c *Config) { c.SegmentBytes = 1 }).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := mustOpen(t, store).Rows(); len(rows) != 32 {
		t.Errorf("%d segments of a block each", len(rows))
	}
	holds(t, store, w)
	for _, wrong := range []Config{{SegmentBytes: 0}, {SegmentBytes: SegmentBytesMax + 1}, {SegmentBytes: 1, SegmentAge: -1}} {
		if err := wrong.Validate(); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// Pages of the manifest go on beyond the first.
func TestPages(t *testing.T) {
	w, store := newWorld(t, 1), blob.NewFolder(testenv.MemoryDir(t))
	for range 3 {
		w.sell(pageRows / 2)
		if err := w.archiver(store, func(c *Config) { c.SegmentBytes = 1 }).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c := mustOpen(t, store)
	if len(c.Rows()) != 3*pageRows/2+2 {
		t.Errorf("%d rows", len(c.Rows()))
	}
	holds(t, store, w)
	if err := store.Remove(t.Context(), manifestKey(pageRows)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), store); !errors.Is(err, ErrDamaged) {
		t.Errorf("a page is missing: %v", err)
	}
}

// After a cut the archive goes on under the new birth, and has what was cut off still.
func TestCuts(t *testing.T) {
	seed := storySeed(t)
	random := rand.New(rand.NewPCG(seed, 1))
	for round := range testenv.Pick(10, 3) {
		store := blob.NewFolder(testenv.MemoryDir(t))
		w := newWorld(t, seed+uint64(round))
		lost, born := uint64(0), 2
		for range 1 + random.IntN(3) {
			w.sell(20 + random.IntN(60))
			if err := w.archive(store); err != nil {
				t.Fatal(err)
			}
			last := max(born, len(w.batches)-random.IntN(40)*random.IntN(2)) // or exactly at the end
			old := w
			w = w.restored(last, sequencer.BirthRestore, random.Uint64())
			lost, born = lost+uint64(len(old.batches)-last), len(w.batches)
			if err := w.archive(store); err != nil {
				t.Fatal(err)
			}
			holds(t, store, w)
			if err := old.archive(store); err == nil && len(old.batches) > last {
				t.Error("the old cluster still archives")
			} else if err != nil && !errors.Is(err, ErrSuperseded) {
				t.Errorf("the old cluster: %v", err)
			}
		}
		off, err := mustOpen(t, store).CutOff()
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range off {
			lost -= o.Blocks()
		}
		if lost != 0 {
			t.Fatalf("round %d: %d blocks too many or too few are cut off: %+v", round, int64(lost), off)
		}
	}
}

// Journals that are none of the archive's are refused, and leave it as it is.
func TestOtherHistories(t *testing.T) {
	w, store := newWorld(t, 1), blob.NewFolder(testenv.MemoryDir(t))
	w.sell(80)
	if err := w.archive(store); err != nil {
		t.Fatal(err)
	}
	rows := len(mustOpen(t, store).Rows())
	forged := w.restored(40, sequencer.BirthRestore, 7)
	forged.batches = nil
	another := newWorld(t, 2)
	another.sell(200)
	parted := w.restored(30, sequencer.BirthRestore, 8)
	parted.sell(30)
	unborn := emptyWorld(t, 9)
	for _, b := range w.batches[:50] {
		unborn.now = b.Time
		unborn.apply(b)
	}
	unborn.sell(200)
	for name, c := range map[string]struct {
		w    *world
		want error
	}{"another cluster": {another, ErrOtherHistory}, "parted without a birth": {unborn, ErrOtherHistory},
		"a copy": {w.restored(40, sequencer.BirthCopy, 6), ErrOtherHistory}} {
		if err := c.w.archive(store); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if now := len(mustOpen(t, store).Rows()); now != rows {
		t.Errorf("%d rows became %d", rows, now)
	}
	if err := parted.archive(store); err != nil {
		t.Fatal(err)
	}
	second := w.restored(30, sequencer.BirthRestore, 10)
	if err := second.archive(store); !errors.Is(err, ErrOtherHistory) {
		t.Errorf("restored twice: %v", err)
	}
}

// A journal that begins late goes on from the archive, when that reaches up to it.
func TestJournalThatBeginsLate(t *testing.T) {
	w, store := newWorld(t, 1), blob.NewFolder(testenv.MemoryDir(t))
	w.sell(50)
	late := emptyWorld(t, 1)
	head, blocks := journal.Head{}, []journal.Block{}
	if _, err := journal.Scan(w.dir, func(b *journal.Block) error {
		if b.Height == 20 {
			head = b.Head()
		} else if b.Height > 20 {
			blocks = append(blocks, journal.Block{RaftIndex: b.RaftIndex, Term: b.Term, StateHash: b.StateHash,
				Batch: append([]byte(nil), b.Batch...), Decisions: append([]byte(nil), b.Decisions...)})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := late.journal.Restore(head); err != nil {
		t.Fatal(err)
	}
	for i := range blocks {
		if err := late.journal.Put(&blocks[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := late.archive(store); !errors.Is(err, ErrGap) {
		t.Errorf("nothing is archived: %v", err)
	}
	if err := w.archive(store); err != nil {
		t.Fatal(err)
	}
	if err := late.archive(store); err != nil {
		t.Errorf("it reaches up to the journal: %v", err)
	}
	holds(t, store, w)
}

// Archivers that run at once make one archive, whichever is first.
func TestTwoAtOnce(t *testing.T) {
	seed := storySeed(t)
	w, store := newWorld(t, seed), blob.NewFolder(testenv.MemoryDir(t))
	for range 4 {
		w.sell(100)
		var all sync.WaitGroup
		for i := range 3 {
			a := w.archiver(store, func(c *Config) { c.SegmentBytes = uint64(1000 + 700*i) })
			all.Go(func() {
				if err := a.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		holds(t, store, w)
	}
}

// Whatever a store does to requests, what counts in the end is right; what is refused is named.
func TestFaults(t *testing.T) {
	seed := storySeed(t)
	for _, c := range []struct {
		fault blobtest.Fault
		every int
	}{{blobtest.Unavailable, 3}, {blobtest.LosesAnswer, 2}, {blobtest.TearsDownload, 4}, {blobtest.ForgetsUpload, 4}, {blobtest.TearsUpload, 5}} {
		t.Run(fmt.Sprint(c.fault), func(t *testing.T) {
			server := blobtest.NewServer(t)
			store, err := blob.Open("s3://" + blobtest.Bucket)
			if err != nil {
				t.Fatal(err)
			}
			w, random := newWorld(t, seed), rand.New(rand.NewPCG(seed, uint64(c.fault)))
			w.sell(20)
			server.Fail(func(r *http.Request) blobtest.Fault {
				torn := c.fault == blobtest.TearsUpload && !strings.Contains(r.URL.Path, segmentPrefix)
				if random.IntN(c.every) == 0 && !torn && !strings.HasSuffix(r.URL.Path, probeKey) {
					return c.fault
				}
				return blobtest.None
			})
			for try := 0; ; try++ {
				if err := w.archive(store); err == nil {
					break
				} else if try == 100 {
					t.Fatal(err)
				}
			}
			server.Fail(func(*http.Request) blobtest.Fault { return blobtest.None })
			holds(t, store, w)
		})
	}
}

// A store that overwrites is not used.
func TestOverwrites(t *testing.T) {
	server := blobtest.NewServer(t)
	server.Fail(func(*http.Request) blobtest.Fault { return blobtest.Overwrites })
	store, err := blob.Open("s3://" + blobtest.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := newWorld(t, 1).archive(store); !errors.Is(err, ErrOverwrites) {
		t.Error(err)
	}
}

// An archiver that does not end puts what is decided when it is old enough, goes on after a store that
// is down for a while, and puts what is left when it is stopped.
func TestArchiverThatGoesOn(t *testing.T) {
	server := blobtest.NewServer(t)
	store, err := blob.Open("s3://" + blobtest.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, 1)
	a := w.archiver(store, func(c *Config) { c.Once, c.SegmentAge, c.SegmentBytes = false, 0, 1<<20 })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	for up := range 3 {
		server.Fail(func(*http.Request) blobtest.Fault { return blobtest.Fault(up % 2) }) // None, Unavailable, None
		w.sell(5)
	}
	for a.Status().Height < uint64(len(w.batches)) {
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	holds(t, store, w)
	if s := a.Status(); s.Height != s.Journal || s.Seq != w.state.Seq() || s.Segments == 0 || s.Bytes == 0 || !s.Unstored.IsZero() || s.LastErr != nil {
		t.Errorf("%+v", s)
	}
}

// A reader that stands at a block that was cut off is told so.
func TestReaderOfAnotherHistory(t *testing.T) {
	w, store := newWorld(t, 1), blob.NewFolder(testenv.MemoryDir(t))
	w.sell(60)
	if err := w.archive(store); err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, store)
	r := c.NewReader()
	if err := r.Read(t.Context(), func(*follow.Block) error { return nil }); err != nil || r.Head().Height != 62 {
		t.Fatal(r.Head(), err)
	}
	next := w.restored(40, sequencer.BirthRestore, 3)
	next.sell(30)
	if err := next.archive(store); err != nil {
		t.Fatal(err)
	}
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(t.Context(), func(*follow.Block) error { return nil }); !errors.Is(err, ErrOtherHistory) {
		t.Errorf("it goes on behind a block that was cut off: %v", err)
	}
	behind := c.NewReaderAfter(journal.Head{Height: 40, Hash: w.hashes()[39]})
	blocks := 0
	if err := behind.Read(t.Context(), func(*follow.Block) error { blocks++; return nil }); err != nil || blocks != 31 {
		t.Errorf("%d blocks behind block 40, %v", blocks, err)
	}
}
