package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	"onsale/proof/testenv"
	"onsale/wal"
)

func mustOpenVotes(t *testing.T, dir string, mustExist bool, fatal func(error)) *Votes {
	t.Helper()
	v, err := OpenVotes(wal.OS{}, dir, mustExist, fatal)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// New votes are of term 0 and for nobody; what is written is there for the next process.
func TestVotes(t *testing.T) {
	dir := testenv.MemoryDir(t)
	v := mustOpenVotes(t, dir, false, nil)
	term, err := v.Term()
	voted, err2 := v.GetUint64([]byte("LastVoteTerm"))
	who, err3 := v.Get([]byte("LastVoteCand"))
	if err := errors.Join(err, err2, err3); err != nil || term != 0 || voted != 0 || len(who) > 0 {
		t.Errorf("new: term %d, voted in %d for %q, %v", term, voted, who, err)
	}
	value := []byte("a:1")
	if err := errors.Join(v.SetUint64([]byte("CurrentTerm"), 7), v.SetUint64([]byte("LastVoteTerm"), 6), v.Set([]byte("LastVoteCand"), value)); err != nil {
		t.Fatal(err)
	}
	value[0] = 'x' // the caller's again
	if err := os.WriteFile(filepath.Join(dir, VotesName+".new"), []byte("left by a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		v = mustOpenVotes(t, dir, true, nil)
		term, err = v.Term()
		voted, err2 = v.GetUint64([]byte("LastVoteTerm"))
		who, err3 = v.Get([]byte("LastVoteCand"))
		if err := errors.Join(err, err2, err3); err != nil || term != 7 || voted != 6 || string(who) != "a:1" {
			t.Errorf("read again: term %d, voted in %d for %q, %v", term, voted, who, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, VotesName+".new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file aside: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}

// A value is taken with its checksum and in its length; a key that nobody wrote is not there.
func TestVotesThatAreNone(t *testing.T) {
	v := mustOpenVotes(t, testenv.MemoryDir(t), false, nil)
	defer v.Close()
	if _, err := v.Get([]byte("Nothing")); !errors.Is(err, raftboltdb.ErrKeyNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := v.GetUint64([]byte("Nothing")); !errors.Is(err, raftboltdb.ErrKeyNotFound) {
		t.Errorf("an unknown key's number: %v", err)
	}
	key := []byte("CurrentTerm")
	sum := func(value string) []byte {
		return binary.LittleEndian.AppendUint32([]byte(value), checksumOf(key, []byte(value)))
	}
	for name, c := range map[string]struct {
		stored  []byte
		value   string
		refused bool
	}{
		"a value": {sum("value"), "value", false}, "an empty one": {sum(""), "", false},
		"less than a checksum": {sum("")[:3], "", true}, "nothing": {[]byte{}, "", true},
		"no checksum": {[]byte("12345678"), "", true}, "another value's": {append([]byte("x"), sum("value")...), "", true},
	} {
		if err := v.store.Set(key, c.stored); err != nil {
			t.Fatal(err)
		}
		got, err := v.Get(key)
		if string(got) != c.value || c.refused != errors.Is(err, ErrVotes) || !c.refused && err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, length := range []int{0, 7, 8, 9} { // 9 is the last that Term reads
		whole := length == 8
		if err := v.Set(key, bytes.Repeat([]byte{1}, length)); err != nil {
			t.Fatal(err)
		}
		number, err := v.GetUint64(key)
		if whole != (err == nil) || whole != (number == 0x0101010101010101) || !whole && !errors.Is(err, ErrVotes) {
			t.Errorf("%d bytes: %d, %v", length, number, err)
		}
	}
	if term, err := v.Term(); err == nil {
		t.Errorf("9 bytes are term %d", term)
	}
}

// A vote that may not be on disk ends the process.
func TestVoteThatCannotBeWritten(t *testing.T) {
	var fatal []error
	v := mustOpenVotes(t, testenv.MemoryDir(t), false, func(err error) { fatal = append(fatal, err) })
	if err := v.SetUint64([]byte("CurrentTerm"), 1); err != nil || len(fatal) > 0 {
		t.Fatal(err, fatal)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := v.Set([]byte("CurrentTerm"), []byte("x")); err == nil || len(fatal) != 1 || !errors.Is(fatal[0], err) || !strings.HasPrefix(fatal[0].Error(), "votes: ") {
		t.Errorf("%v, the process was told %v", err, fatal)
	}
	if err := v.SetUint64([]byte("CurrentTerm"), 1); err == nil || len(fatal) != 2 {
		t.Errorf("%v, the process was told %v", err, fatal)
	}
	if _, err := v.Get([]byte("CurrentTerm")); err == nil || errors.Is(err, ErrVotes) {
		t.Errorf("read from a closed file: %v", err)
	}
}

// Votes are not opened on a disk that does not keep them.
func TestVotesOnAFailingDisk(t *testing.T) {
	for name, disk := range map[string]*failing{"rename": {rename: errDisk}, "sync": {syncDir: errDisk}} {
		dir := testenv.MemoryDir(t)
		if v, err := OpenVotes(disk, dir, false, nil); v != nil || !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", name, err)
		}
		if err := mustOpenVotes(t, dir, false, nil).Close(); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	file := filepath.Join(testenv.MemoryDir(t), "file")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	for _, mustExist := range []bool{true, false} {
		if _, err := OpenVotes(wal.OS{}, file, mustExist, nil); !errors.Is(err, syscall.ENOTDIR) || errors.Is(err, ErrVotes) {
			t.Errorf("in a file: %v", err)
		}
	}
	dir := testenv.MemoryDir(t)
	if _, err := OpenVotes(wal.OS{}, dir, true, nil); !errors.Is(err, ErrVotes) || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("where they must be: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, VotesName), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenVotes(wal.OS{}, dir, true, nil); !errors.Is(err, ErrVotes) {
		t.Errorf("a folder: %v", err)
	}
}

// A file whose values are not all there was not written by this program.
func TestVotesWithoutAValue(t *testing.T) {
	for _, missing := range voteKeys {
		path := filepath.Join(testenv.MemoryDir(t), VotesName)
		store, err := openBolt(path, false)
		if err != nil {
			t.Fatal(err)
		}
		v := Votes{store: store}
		for _, key := range voteKeys {
			if key != missing {
				err = errors.Join(err, v.Set([]byte(key), make([]byte, 8)))
			}
		}
		if err := errors.Join(err, v.Close()); err != nil {
			t.Fatal(err)
		}
		_, err = OpenVotes(wal.OS{}, filepath.Dir(path), true, nil)
		if !errors.Is(err, ErrVotes) || !errors.Is(err, raftboltdb.ErrKeyNotFound) || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// Each meta page of the file is looked at: its checksum, and that no page lies behind the end.
func TestMetaPages(t *testing.T) {
	dir := testenv.MemoryDir(t)
	path := filepath.Join(dir, VotesName)
	if err := mustOpenVotes(t, dir, false, nil).Close(); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	used := int(binary.LittleEndian.Uint64(sound[page+16+40:])) // the newer meta page knows
	used = max(used, int(binary.LittleEndian.Uint64(sound[16+40:])))
	flip := func(at int) []byte { data := bytes.Clone(sound); data[at] ^= 1; return data }
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"sound":                   {sound, ""},
		"just the used pages":     {sound[:used*page], ""},
		"one byte less":           {sound[:used*page-1], "pages are in use"},
		"a bit of the first":      {flip(16 + 20), "meta page 0 has no valid checksum"},
		"a bit of the second":     {flip(page + 16 + 20), "meta page 1 has no valid checksum"},
		"the first's checksum":    {flip(16 + 63), "meta page 0 has no valid checksum"},
		"without the second page": {sound[:page], "pages are in use"},
		"nothing":                 {nil, "meta page 0"},
	} {
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkMetas(path); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkMetas(path + "-none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
