package known

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/raftfsm/peer"
	"onsale/wal"
	"onsale/wal/waltest"
)

func node(births string) *peer.Identity {
	is := &peer.Identity{ID: "n1", Role: peer.Node, Number: 3}
	for _, b := range []byte(births) {
		is.Births = append(is.Births, peer.ClusterID{b})
	}
	is.Cluster = is.Births.Newest()
	return is
}

func mustOpen(t *testing.T, path string, log *slog.Logger) *Cluster {
	t.Helper()
	f, err := Open(wal.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	return f.Of(3, log)
}

func knows(t *testing.T, c *Cluster, births string) {
	t.Helper()
	if is, number := c.Births(); !slices.Equal(is, node(births).Births) || number != 3 {
		t.Errorf("it knows %v of cluster %d, want %q", is, number, births)
	}
}

// What is met, in turn, by a process that is started again before each meeting, and by one
// that is not.
func TestMeetings(t *testing.T) {
	for _, again := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "state")
		c := mustOpen(t, path, slog.New(slog.DiscardHandler))
		knows(t, c, "")
		for _, step := range []struct {
			met, knows string
			err        error
		}{
			{"a", "a", nil},
			{"a", "a", nil},
			{"z", "a", peer.ErrOtherCluster},
			{"ab", "ab", nil},
			{"a", "ab", peer.ErrOlderCluster},
			{"ac", "ab", peer.ErrParted},
			{"b", "ab", nil},    // a node that has not heard yet of what was before
			{"bd", "abd", nil},  // nor one of the cluster that came next
			{"abd", "abd", nil}, // and then has
			{"ab", "abd", peer.ErrOlderCluster},
			{"abe", "abd", peer.ErrParted},
		} {
			if again {
				c = mustOpen(t, path, slog.New(slog.DiscardHandler))
			}
			if err := c.Meet(node(step.met)); !errors.Is(err, step.err) || (err == nil) != (step.err == nil) {
				t.Errorf("%q was answered %v, want %v", step.met, err, step.err)
			}
			if !errors.Is(c.Refusal(), step.err) || (c.Refusal() == nil) != (step.err == nil) {
				t.Errorf("after %q the refusal is %v", step.met, c.Refusal())
			}
			knows(t, c, step.knows)
		}
		if !again && (c.older.Load() != 2 || c.parted.Load() != 2 || c.other.Load() != 1) {
			t.Errorf("%d older, %d parted and %d others were counted", c.older.Load(), c.parted.Load(), c.other.Load())
		}
	}
}

// Numbers are apart, and a node of another number means nothing.
func TestNumbersAreApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f, err := Open(wal.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	three, four := f.Of(3, log), f.Of(4, log)
	is := node("x")
	is.Number = 4
	if err := errors.Join(three.Meet(node("ab")), three.Meet(is), four.Meet(is)); err != nil {
		t.Fatal(err)
	}
	knows(t, three, "ab")
	again := mustOpen(t, path, log)
	knows(t, again, "ab")
	if births, _ := again.file.Of(4, log).Births(); !slices.Equal(births, is.Births) {
		t.Errorf("of number 4 it knows %v", births)
	}
	if again.file.Of(3, log) != again {
		t.Error("one number is known twice")
	}
}

// The bytes of a file are for good.
func TestFileIsForGood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := mustOpen(t, path, slog.New(slog.DiscardHandler)).Meet(node("ab")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "version": 1,
  "clusters": [
    {
      "number": 3,
      "births": [
        "61` + strings.Repeat("00", 15) + `",
        "62` + strings.Repeat("00", 15) + `"
      ]
    }
  ],
  "checksum": "CHECKSUM"
}
`
	sum := into(t, data).Checksum
	if got := string(data); got != strings.Replace(want, "CHECKSUM", sum, 1) || sum != "090e9528" {
		t.Errorf("it is\n%s", got)
	}
}

func into(t *testing.T, data []byte) (c content) {
	t.Helper()
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// A file that is damaged, of another version or something else is refused, and stays.
func TestUnsoundFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	if err := mustOpen(t, path, slog.New(slog.DiscardHandler)).Meet(node("ab")); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replaced := func(old, to string) []byte { return bytes.Replace(sound, []byte(old), []byte(to), 1) }
	for name, c := range map[string]struct {
		data  []byte
		err   error
		words string
	}{
		"a changed birth": {replaced(`"61`, `"60`), ErrFile, "checksum"},
		"a version":       {replaced(`"version": 1`, `"version": 2`), ErrVersion, "2, this program knows 1"},
		"cut":             {sound[:len(sound)/2], ErrFile, "JSON"},
		"empty":           {nil, ErrFile, "JSON"},
		"a settings file": {[]byte("http = \"127.0.0.1:1\"\n"), ErrFile, "invalid character"},
		"other JSON":      {[]byte("{}"), ErrVersion, "0, this program knows 1"},
		"huge":            {bytes.Repeat([]byte{' '}, fileBytesMax+1), ErrFile, "over"},
	} {
		other := filepath.Join(dir, "other")
		if err := os.WriteFile(other, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(wal.OS{}, other); !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), other) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(other); err != nil || !bytes.Equal(after, c.data) {
			t.Errorf("%s: the file was changed (%v)", name, err)
		}
	}
	if _, err := Open(wal.OS{}, filepath.Join(dir, "none", "state")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// Whatever a file holds, it is refused or read as it was written.
func FuzzFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state")
	written, err := Open(wal.OS{}, path)
	if err != nil {
		f.Fatal(err)
	}
	if err := written.Of(3, slog.New(slog.DiscardHandler)).Meet(node("ab")); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"clusters":[],"checksum":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "state")
		read := &File{files: wal.OS{}, path: path, newest: map[uint8]peer.Lineage{}}
		if err := read.parse(data); err != nil {
			if !errors.Is(err, ErrFile) && !errors.Is(err, ErrVersion) {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if err := read.write(read.newest); err != nil {
			t.Fatal(err)
		}
		again, err := Open(wal.OS{}, path)
		if err != nil || len(again.newest) != len(read.newest) {
			t.Fatalf("%v was written and read as %v (%v)", read.newest, again, err)
		}
	})
}

// Whatever call of the disk fails, and whenever the power goes: the file is sound, a list is
// used only when it is on disk, and one that was answered is remembered.
func TestPowerCuts(t *testing.T) {
	for _, kind := range waltest.Kinds() {
		for failAt := 1; ; failAt++ {
			dir := t.TempDir()
			disk, err := waltest.New(dir)
			if err != nil {
				t.Fatal(err)
			}
			disk.FailAt, disk.FailKind = failAt, kind
			answered := meetAll(t, disk, filepath.Join(dir, "state"))
			for _, image := range disk.Images() {
				mustRemember(t, image, answered)
			}
			if !disk.Struck() {
				break
			}
		}
	}
}

// meetAll meets one cluster after the other and returns the last list that was answered.
func meetAll(t *testing.T, disk *waltest.Disk, path string) (answered string) {
	f, err := Open(disk, path)
	if err != nil {
		if !errors.Is(err, waltest.ErrInjected) {
			t.Error(err)
		}
		return ""
	}
	c := f.Of(3, slog.New(slog.DiscardHandler))
	for _, births := range []string{"a", "ab", "abc"} {
		switch err := c.Meet(node(births)); {
		case err == nil:
			answered = births
		case !errors.Is(err, waltest.ErrInjected):
			t.Error(err)
		}
		knows(t, c, answered)
	}
	return answered
}

func mustRemember(t *testing.T, image waltest.Image, answered string) {
	dir := t.TempDir()
	if err := image.Lay(dir); err != nil {
		t.Fatal(err)
	}
	f, err := Open(wal.OS{}, filepath.Join(dir, "state"))
	if err != nil {
		t.Fatalf("after a power cut: %v", err)
	}
	births, _ := f.Of(3, slog.New(slog.DiscardHandler)).Births()
	if len(births) < len(answered) || !slices.Equal(births, node("abc").Births[:len(births)]) {
		t.Errorf("%q was answered, and after a power cut it knows %v", answered, births)
	}
}

// Without a file the log says once that the first cluster is trusted, and why.
func TestTrustIsTold(t *testing.T) {
	var out bytes.Buffer
	c := mustOpen(t, "", slog.New(slog.NewTextHandler(&out, nil)))
	for range 3 {
		if err := c.Meet(node("a")); err != nil {
			t.Fatal(err)
		}
	}
	if said := out.String(); strings.Count(said, "--state-file") != 1 || !strings.Contains(said, "trusts the cluster that it met first") {
		t.Errorf("the log says\n%s", said)
	}
	for range 3 {
		if err := c.Meet(node("z")); !errors.Is(err, peer.ErrOtherCluster) {
			t.Fatal(err)
		}
	}
	if said := out.String(); strings.Count(said, "a node is refused") != 1 {
		t.Errorf("the log says\n%s", said)
	}
	knows(t, c, "a")
}
