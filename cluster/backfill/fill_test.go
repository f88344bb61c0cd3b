package backfill

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// A gap is filled page by page from whoever has it: the chain is then the peers', and
// begins and ends are told.
func TestGapIsFilled(t *testing.T) {
	peer := whole(t, 91)
	r, _ := restored(t, peer)
	f, log := newFiller(t, r, among(map[string]*member{"n1": {history: peer.history, blocks: 7}}), nil)
	mustRound(t, f)
	mustBeComplete(t, r, peer)
	has(t, log, "level=INFO msg=\"the journal has a gap", "level=INFO msg=\"a gap of the journal is filled", "heights=\"1 to 60\"", "from=n1")
	if n := &f.counters; n.blocks.Load() != snapshotAt || n.gaps.Load() != 1 || n.failures.Load()+n.wrong.Load()+n.discarded.Load() != 0 || n.bytes.Load() < 60*100 {
		t.Errorf("counters %+v", n)
	}
	mustRound(t, f) // nothing is left to do
	if r.history.First() != 1 || f.counters.gaps.Load() != 1 {
		t.Errorf("begins at %d, %d gaps were filled", r.history.First(), f.counters.gaps.Load())
	}
}

// A part that was put aside is kept; only what is missing between is fetched. It stays so
// when the node is restored from snapshots again and again, and then all is made one part.
func TestGapBehindAPart(t *testing.T) {
	peer, r := restoredTwice(t)
	f, log := newFiller(t, r, among(map[string]*member{"n1": {history: peer.history}}), nil)
	mustRound(t, f)
	mustBeComplete(t, r, peer)
	if parts, err := journal.Parts(r.dir()); len(parts) != 4 || err != nil {
		t.Fatalf("the parts are %v, %v", parts, err)
	}
	mustRound(t, f)
	mustBeComplete(t, r, peer)
	if n := &f.counters; n.blocks.Load() != 20+25 || n.joined.Load() != 4 || n.failures.Load() != 0 {
		t.Errorf("counters %+v", n)
	}
	has(t, log, "parts of the journal are joined", "heights=\"1 to 70\" parts=4")
	mustBeOnePart(t, r)
	mustRound(t, f) // nothing is left to do
	mustBeOnePart(t, r)
	for height := uint64(1); height <= chainBlocks; height += 10 { // those who ask find it there
		if _, err := r.history.AppendPage(nil, journal.PageQuestion{Height: height, Blocks: 1, Bytes: 1 << 10}); err != nil {
			t.Error(err)
		}
	}
}

func mustBeOnePart(t *testing.T, r *replica) {
	t.Helper()
	parts, err := journal.Parts(r.dir())
	if err != nil || len(parts) != 1 || parts[0].First != 1 || parts[0].Last != 70 {
		t.Errorf("the parts are %v, %v", parts, err)
	}
}

// Whoever dies while parts are joined goes on at the next round: a copy that is not whole is
// thrown away, and parts that the joined one holds are removed, also such as are half gone.
func TestJoinIsCutShort(t *testing.T) {
	peer, r := restoredTwice(t)
	f, _ := newFiller(t, r, among(map[string]*member{"n1": {history: peer.history}}), nil)
	mustRound(t, f)
	parts, err := journal.Parts(r.dir())
	if err != nil {
		t.Fatal(err)
	}
	gap, err := r.history.Around(journal.Span{First: 1, Last: 70})
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.copy(ended, gap); !errors.Is(err, context.Canceled) {
		t.Fatalf("copying that was cut short: %v", err)
	}
	if err := complete(r.data, peer); err != nil {
		t.Fatal(err)
	}

	if err := f.copy(context.Background(), gap); err != nil { // and nothing was removed
		t.Fatal(err)
	}
	mustBeComplete(t, r, peer)
	if err := os.Rename(parts[1].Dir, fillingDir(r.dir(), parts[1].First)); err != nil {
		t.Fatal(err)
	}
	mustRound(t, f)
	mustBeComplete(t, r, peer)
	mustBeOnePart(t, r)
}

// A disk that is full joins nothing, and keeps what is there.
func TestFullDiskJoinsNothing(t *testing.T) {
	peer, r := restoredTwice(t)
	free := int64(1 << 40)
	f, log := newFiller(t, r, among(map[string]*member{"n1": {history: peer.history}}), func(c *Config) {
		c.Free = func() (int64, error) { return free, nil }
	})
	mustRound(t, f)
	free = 0
	if err := f.round(context.Background()); !errors.Is(err, errDiskFull) {
		t.Errorf("%v", err)
	}
	has(t, log, "parts of the journal could not be joined")
	mustBeComplete(t, r, peer)
}

// restoredTwice is a replica that got two snapshots of another one, and a few blocks between.
func restoredTwice(t *testing.T) (peer, r *replica) {
	peer = whole(t, 91)
	r = openReplica(t, testenv.MemoryDir(t), journal.Head{}).put(t, 1, 20, 0)
	for _, height := range []uint64{40, 70} {
		b, err := peer.journal.Read(height)
		if err == nil {
			_, err = r.journal.Restore(b.Head())
		}
		if err != nil {
			t.Fatal(err)
		}
		r.put(t, height+1, height+5, 0)
	}
	return peer, r.put(t, 76, chainBlocks, 0)
}

// Members without the blocks, members with a part of them and members that cannot be
// reached are passed over; what one has is taken, and nobody is called wrong.
func TestMembersThatHaveAPart(t *testing.T) {
	peer := whole(t, 91)
	empty, _ := restored(t, peer)
	front := openReplica(t, testenv.MemoryDir(t), journal.Head{}).put(t, 1, 25, 0)
	r, _ := restored(t, peer)
	down := func(journal.PageQuestion, []byte) ([]byte, error) { return nil, errors.New("down") }
	peers := among(map[string]*member{"n1": {history: peer.history, spoil: down}, "n2": {history: empty.history},
		"n3": {history: front.history, blocks: 4}, "n4": {history: peer.history, spoil: down}})
	f, log := newFiller(t, r, peers, nil)
	for range 3 {
		if err := f.round(context.Background()); err == nil {
			t.Fatal("the gap was filled by nobody")
		}
	}
	if f.counters.blocks.Load() != 25 || f.counters.wrong.Load() != 0 || f.counters.failures.Load() != 6 {
		t.Errorf("counters %+v", &f.counters)
	}
	has(t, log, "could not be asked", "does not have the journal's missing blocks either", "member=n2")
	peers.named["n4"].spoil = nil
	mustRound(t, f)
	mustBeComplete(t, r, peer)
	if f.counters.blocks.Load() != snapshotAt || f.counters.discarded.Load() != 0 {
		t.Errorf("counters %+v", &f.counters)
	}
	has(t, log, "from=n4")
}

// Who answers with wrong blocks is named and counted, and the gap is filled from
// another one, whatever is wrong, and wherever the wrong one stands.
func TestWrongBlocksAreFound(t *testing.T) {
	right := whole(t, 91)
	forged := whole(t, 30) // a chain of its own from block 30 on
	flip := func(at uint64) func(q journal.PageQuestion, page []byte) ([]byte, error) {
		return func(q journal.PageQuestion, page []byte) ([]byte, error) {
			if q.Height <= at && q.Height+uint64(q.Blocks) > at {
				page[len(page)/2] ^= 4
			}
			return page, nil
		}
	}
	for name, liar := range map[string]*member{
		"a flipped bit":    {history: right.history, blocks: 10, spoil: flip(1)},
		"a bit in the end": {history: right.history, blocks: 10, spoil: flip(60)},
		"no page at all":   {history: right.history, spoil: func(journal.PageQuestion, []byte) ([]byte, error) { return []byte("no"), nil }},
		"other heights": {history: right.history, spoil: func(q journal.PageQuestion, page []byte) ([]byte, error) {
			q.Height++
			return right.history.AppendPage(nil, q)
		}},
		"another chain": {history: forged.history, blocks: 10},
		"another chain that shows the right end": {history: forged.history, blocks: 10, spoil: func(q journal.PageQuestion, page []byte) ([]byte, error) {
			if q.Height == snapshotAt {
				return right.history.AppendPage(nil, q)
			}
			return page, nil
		}},
	} {
		for _, order := range []string{"n1", "n3"} { // asked before the honest one, or with it gone in the middle
			t.Run(name+" at "+order, func(t *testing.T) {
				r, _ := restored(t, right)
				left := 2
				honest := &member{history: right.history, blocks: 10, spoil: func(q journal.PageQuestion, page []byte) ([]byte, error) {
					if left--; order == "n3" && left == 0 {
						return nil, errors.New("gone for a moment")
					}
					return page, nil
				}}
				f, log := newFiller(t, r, among(map[string]*member{"n2": honest, order: liar}), nil)
				for range 3 {
					if f.round(context.Background()) == nil {
						break
					}
				}
				mustBeComplete(t, r, right)
				if f.counters.wrong.Load() != 1 {
					t.Errorf("%d wrong answers were counted", f.counters.wrong.Load())
				}
				has(t, log, "level=ERROR", "wrong blocks", "member="+order)
			})
		}
	}
}

// A peer that was wrong is asked again when its time is over; it may have been repaired.
func TestWrongPeerIsAskedAgain(t *testing.T) {
	peer := whole(t, 91)
	r, _ := restored(t, peer)
	peers := among(map[string]*member{"n1": {history: whole(t, 30).history}})
	f, _ := newFiller(t, r, peers, func(c *Config) { c.Distrust = time.Hour })
	for range 3 {
		if err := f.round(context.Background()); err == nil {
			t.Fatal("filled with another chain")
		}
	}
	if peers.asked["n1"] != 1 || f.counters.wrong.Load() != 1 {
		t.Errorf("asked %d times, %d wrong", peers.asked["n1"], f.counters.wrong.Load())
	}
	peers.named["n1"].history = peer.history
	f.wrong["n1"] = time.Now()
	mustRound(t, f)
	mustBeComplete(t, r, peer)
}

// Blocks never come faster than allowed, a busy peer is left alone for a moment, and a
// filler ends at once when it is closed.
func TestPace(t *testing.T) {
	peer := whole(t, 91)
	r, _ := restored(t, peer)
	synctest.Test(t, func(t *testing.T) {
		busy := 5
		pages := 0
		peers := among(map[string]*member{"n1": {history: peer.history, blocks: 1, spoil: func(q journal.PageQuestion, page []byte) ([]byte, error) {
			if busy--; busy >= 0 {
				return nil, sequencer.ErrOverloaded
			}
			pages++
			return page, nil
		}}})
		f, _ := newFiller(t, r, peers, func(c *Config) { c.BytesPerSecond, c.Interval = 1<<10, time.Second })
		started := time.Now()
		f.Start()
		for r.history.First() != 1 {
			time.Sleep(time.Second)
		}
		took, least := time.Since(started), time.Duration(f.counters.bytes.Load()-1<<10)*time.Second>>10
		if took < least || took > least+10*time.Second || pages != snapshotAt+1 {
			t.Errorf("%d bytes took %v, at least %v", f.counters.bytes.Load(), took, least)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	})
	mustBeComplete(t, r, peer)
}

// The pauses grow while nobody has what is missing.
func TestPausesGrow(t *testing.T) {
	peer := whole(t, 91)
	r, _ := restored(t, peer)
	synctest.Test(t, func(t *testing.T) {
		peers := among(map[string]*member{"n1": {history: r.history}})
		f, _ := newFiller(t, r, peers, func(c *Config) { c.Interval, c.RetryMax = time.Second, time.Minute })
		f.Start()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if asked := peers.asked["n1"]; asked < 2*10 || asked > 2*20 { // probe and page
			t.Errorf("asked %d times in ten minutes", asked)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A disk that has too little room is left alone, and so is a filling that nobody needs
// any more removed.
func TestRoomOnTheDisk(t *testing.T) {
	peer := whole(t, 91)
	r, _ := restored(t, peer)
	free := int64(1)
	f, log := newFiller(t, r, among(map[string]*member{"n1": {history: peer.history}}), func(c *Config) {
		c.Free, c.FreeBytesMin = func() (int64, error) { return free, nil }, 1<<20
	})
	if err := f.round(context.Background()); !errors.Is(err, errDiskFull) || f.counters.blocks.Load() != 0 {
		t.Fatalf("%v, %d blocks", err, f.counters.blocks.Load())
	}
	has(t, log, "the disk has too little room")
	if err := os.Rename(fillingDir(r.dir(), 1), fillingDir(r.dir(), 7)); err != nil {
		t.Fatal(err)
	}
	free = 1 << 30
	mustRound(t, f)
	mustBeComplete(t, r, peer)
}

// A filling of another gap, or of another chain, is thrown away.
func TestUselessFillings(t *testing.T) {
	peer := whole(t, 91)
	for name, make := range map[string]func(t *testing.T, dir string){
		"of another chain": func(t *testing.T, dir string) {
			j, err := journal.Open(dir, journal.DefaultOptions())
			if err == nil {
				err = errors.Join(j.Put(blockAt(1, 7)), j.Put(blockAt(2, 7)), j.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"longer than the gap": func(t *testing.T, dir string) {
			if err := os.CopyFS(dir, os.DirFS(peer.dir())); err != nil {
				t.Fatal(err)
			}
		},
		"without its manifest": func(t *testing.T, dir string) {
			if err := errors.Join(os.CopyFS(dir, os.DirFS(peer.dir())), os.Remove(filepath.Join(dir, "MANIFEST"))); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := restored(t, peer)
			make(t, fillingDir(r.dir(), 1))
			f, log := newFiller(t, r, among(map[string]*member{"n1": {history: peer.history, blocks: 20}}), nil)
			mustRound(t, f)
			mustBeComplete(t, r, peer)
			has(t, log, "thrown away")
		})
	}
}

func TestConfigBounds(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"rate":     func(c *Config) { c.BytesPerSecond = 1 },
		"interval": func(c *Config) { c.Interval = 0 },
		"disk":     func(c *Config) { c.Free = nil },
	} {
		c := DefaultConfig()
		c.Free = func() (int64, error) { return 0, nil }
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if _, err := New(c, nil, nil); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
