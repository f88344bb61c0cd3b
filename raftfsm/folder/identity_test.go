package folder

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"onsale/proof/testenv"
	"onsale/wal"
	"onsale/wal/waltest"
)

// Every cut and flip of NODE.json is refused, or it says the same as before.
func TestEveryDamageOfIdentity(t *testing.T) {
	dir := testenv.MemoryDir(t)
	is := newIdentity("n1")
	is.ClusterID, is.ClusterNumber, is.Started, is.Bootstrap = NewClusterID().String(), 3, true, []Member{{ID: "n1", Address: "a:1", Folder: "f", Voter: true}}
	if err := writeIdentity(wal.OS{}, dir, &is); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, identityName)
	refused := 0
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	waltest.EveryDamage(sound, func(what string, data []byte) {
		if err := os.WriteFile(path, data, 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := ReadIdentity(dir)
		switch {
		case err == nil && got.checksum() != is.Checksum:
			t.Fatalf("%s: read as %+v", what, got)
		case err != nil && !errors.Is(err, ErrIdentityDamaged):
			t.Fatalf("%s: %v", what, err)
		case err != nil:
			refused++
		}
	})
	if refused < 1000 {
		t.Fatalf("%d refused", refused)
	}
}

// The identity is the old one or the new one after a power cut at any call, and
// after the return the new one.
func TestIdentityAfterAPowerCut(t *testing.T) {
	old, changed := newIdentity("n1"), newIdentity("n1")
	changed.Started = true
	for call := range 12 {
		for _, kind := range waltest.Kinds() {
			dir := testenv.MemoryDir(t)
			if err := writeIdentity(wal.OS{}, dir, &old); err != nil {
				t.Fatal(err)
			}
			d, err := waltest.New(dir)
			if err != nil {
				t.Fatal(err)
			}
			d.FailAt, d.FailKind = call, kind
			written := writeIdentity(d, dir, &changed)
			if (written != nil) != d.Struck() {
				t.Fatalf("call %d in way %d: %v", call, kind, written)
			}
			for _, image := range d.Images() {
				there := testenv.MemoryDir(t)
				if err := image.Lay(there); err != nil {
					t.Fatal(err)
				}
				is, err := ReadIdentity(there)
				if err != nil || is.Folder != changed.Folder && (written == nil || is.Folder != old.Folder) {
					t.Fatalf("call %d in way %d, which said %v: %+v, %v", call, kind, written, is, err)
				}
			}
		}
	}
}

// Every start has a higher number than those before, also when the clock went back, and one
// on an emptied folder comes after what was there before.
func TestStartsAreRaised(t *testing.T) {
	dir, last := testenv.MemoryDir(t), uint64(0)
	for _, step := range []struct{ now, want int64 }{{1000, 1000}, {1000, 1001}, {500, 1002}, {2000, 2000}} {
		o, _, err := claim(wal.OS{}, dir, "n1")
		if err != nil {
			t.Fatal(err)
		}
		number, err := o.BeginStart(time.Unix(0, step.now))
		if err != nil || number != uint64(step.want) || number <= last {
			t.Errorf("at %d: %d after %d, %v", step.now, number, last, err)
		}
		last = number
	}
	fresh, _, err := claim(wal.OS{}, testenv.MemoryDir(t), "n1")
	if err != nil {
		t.Fatal(err)
	}
	if number, err := fresh.BeginStart(time.Unix(0, 2001)); err != nil || number <= last {
		t.Errorf("on an emptied folder: %d after %d, %v", number, last, err)
	}
}
