package raftfsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"onsale/raftfsm/folder"
	"onsale/sequencer"
)

// contents are all files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// soldOn sells on a node, with a snapshot between, and returns how it ended.
func soldOn(t *testing.T, c Config) Status {
	t.Helper()
	n := mustOpen(t, c)
	eventually(t, "a leader", leads(n))
	sale := createSale(t, n, concert(10))
	for i := range 6 {
		if _, err := buyAs(n, fmt.Sprint("user ", i), sale); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			if err := n.Snapshot(); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := n.Status()
	mustClose(t, n)
	return s
}

// A reader shows what the node had decided, from the snapshot and the journal behind it, or
// the journal alone, also behind an append that was torn; and changes no file.
func TestReader(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"as it was": func(*testing.T, string) {},
		"torn": func(t *testing.T, dir string) {
			segments, err := filepath.Glob(filepath.Join(folder.JournalDir(dir), "0*"))
			if err != nil || len(segments) == 0 {
				t.Fatal(segments, err)
			}
			f, err := os.OpenFile(segments[len(segments)-1], os.O_WRONLY|os.O_APPEND, 0)
			if err == nil {
				_, err = f.Write(bytes.Repeat([]byte{7}, 30))
			}
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"without its snapshot": func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "snapshots")); err != nil {
				t.Fatal(err)
			}
		},
		"with a damaged snapshot": func(t *testing.T, dir string) {
			states, err := filepath.Glob(filepath.Join(dir, "snapshots", "*", "state.bin"))
			if err != nil || len(states) != 1 {
				t.Fatal(states, err)
			}
			data, err := os.ReadFile(states[0])
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if err := os.WriteFile(states[0], data, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t, "n1")
			was := soldOn(t, c)
			spoil(t, c.DataDir)
			before := contents(t, c.DataDir)
			r, err := OpenReader(c, ErrNoRoom)
			if err != nil {
				t.Fatal(err)
			}
			mustShow(t, r, &was)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if after := contents(t, c.DataDir); len(after) != len(before) {
				t.Errorf("%d files, then %d", len(before), len(after))
			} else {
				for path, data := range before {
					if after[path] != data {
						t.Errorf("%s has changed", path)
					}
				}
			}
		})
	}
}

func mustShow(t *testing.T, r *Reader, was *Status) {
	t.Helper()
	is := r.Status()
	if is.Seq != was.Seq || is.StateHash != was.StateHash || is.JournalHash != was.JournalHash || is.JournalHeight != was.JournalHeight ||
		is.ClusterID != was.ClusterID || len(is.Members) != 1 || is.Members[0].ID != "n1" || len(is.Lineage) != 1 || len(is.Births) != 1 {
		t.Errorf("it shows %+v\nit was %+v", is, was)
	}
	if is.Role != "read-only" || is.ReadOnly != ErrNoRoom.Error() || is.ReadOnlySince == nil || is.LowSince == nil {
		t.Errorf("%+v", is)
	}
	if sale, known := r.SaleByID("concert"); !known || sale.Available != 4 || len(r.Sales()) != 1 || len(r.SalesAfter(0, 0)) != 1 {
		t.Errorf("the sale is %+v", sale)
	}
	r.Read(func(s sequencer.Reader) {
		if orders := s.OrdersOf([]byte("user 5"), 0, 10); len(orders) != 1 || orders[0].State != sequencer.StateReserved {
			t.Errorf("orders %+v", orders)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if r.WaitApplied(ctx, was.Seq) != nil || !errors.Is(r.WaitApplied(ctx, was.Seq+1), sequencer.ErrBehind) {
		t.Error("it does not know how far it is")
	}
	if _, err := r.Decide(&sequencer.Command{Kind: sequencer.KindBuy}); !errors.Is(err, sequencer.ErrStorageLow) {
		t.Errorf("a buy at a node alone: %v", err)
	}
	if _, err := r.ReadIndex(ctx); err == nil {
		t.Error("it leads")
	}
}

// With other members a reader is one that does not lead; what it cannot show is an error.
func TestReaderAmongOthers(t *testing.T) {
	r := &Reader{members: []Member{{ID: "n1"}, {ID: "n2"}}, why: ErrNoRoom}
	if err := r.Leader(); !errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrStorageLow) {
		t.Errorf("%v", err)
	}
	c := testConfig(t, "n1")
	if _, err := OpenReader(c, ErrNoRoom); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of an empty folder: %v", err)
	}
	soldOn(t, c)
	c.NodeID, c.Bootstrap = "n2", nil
	if _, err := OpenReader(c, ErrNoRoom); !errors.Is(err, folder.ErrIdentity) {
		t.Errorf("of another node's folder: %v", err)
	}
	unused := testConfig(t, "n3")
	unused.Bootstrap = nil
	n := mustOpen(t, unused)
	mustClose(t, n)
	if _, err := OpenReader(unused, ErrNoRoom); !errors.Is(err, errUnused) {
		t.Errorf("of a node in no cluster: %v", err)
	}
}

// A node does not begin to write on a disk that has no room for its next segments, and says
// so by an error of its own.
func TestNoRoomToWrite(t *testing.T) {
	c := testConfig(t, "n1")
	soldOn(t, c)
	free := int64(0)
	c.seams.statfs = func(string) (int64, int64, error) { return free, 1 << 40, nil }
	free = 64<<20 - 1
	if _, err := Open(c); !errors.Is(err, ErrNoRoom) || !IsNoRoom(err) {
		t.Errorf("with %d bytes free: %v", free, err)
	}
	r, err := OpenReader(c, ErrNoRoom)
	if err != nil {
		t.Fatal(err)
	}
	if r.Room() == nil {
		t.Error("there is room")
	}
	free++
	if err := errors.Join(r.Room(), r.Close()); err != nil {
		t.Error(err)
	}
	n := mustOpen(t, c)
	mustClose(t, n)
	c.DiskReserveBytes, free = 1<<20, 1<<20
	if err := CheckRoom(&c); err != nil {
		t.Errorf("with a reserve of %d: %v", free, err)
	}
}
