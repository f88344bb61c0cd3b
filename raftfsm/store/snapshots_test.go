package store

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/wal"
	"onsale/wal/journal"
)

var errDisk = errors.New("disk fails")

// failing is a disk on which one kind of call fails.
type failing struct {
	wal.OS
	open, rename, syncDir error
}

func (f *failing) OpenFile(path string, flag int) (wal.File, error) {
	if f.open != nil {
		return nil, f.open
	}
	return f.OS.OpenFile(path, flag)
}

func (f *failing) Rename(from, to string) error {
	if f.rename != nil {
		return f.rename
	}
	return f.OS.Rename(from, to)
}

func (f *failing) SyncDir(dir string) error {
	if f.syncDir != nil {
		return f.syncDir
	}
	return f.OS.SyncDir(dir)
}

// shelf is a folder of snapshots, and what was logged about it.
type shelf struct {
	*Snapshots
	t    *testing.T
	disk failing
	said bytes.Buffer
}

func newShelf(t *testing.T, kept int) *shelf {
	t.Helper()
	s := &shelf{t: t}
	var err error
	s.Snapshots, err = OpenSnapshots(&s.disk, testenv.MemoryDir(t), kept, slog.New(slog.NewTextHandler(&s.said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shelf) begin(index uint64) (*Sink, error) {
	_, trans := raft.NewInmemTransport("a:1")
	members := raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "a:1"}}}
	sink, err := s.Create(raft.SnapshotVersionMax, index, 3, members, index-1, trans)
	if err != nil {
		return nil, err
	}
	return sink.(*Sink), nil
}

// save writes a snapshot of a journal of as many blocks as its index, and returns its id.
func (s *shelf) save(index uint64, journaled bool) string {
	s.t.Helper()
	sink, err := s.begin(index)
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = sink.Write(AppendHeader(nil, journal.Head{Height: index, RaftIndex: index}, 1))
	if journaled {
		err = errors.Join(err, sink.Journaled())
	}
	if err := errors.Join(err, sink.Close()); err != nil {
		s.t.Fatal(err)
	}
	return sink.ID()
}

func (s *shelf) spoil(id, name string) {
	s.t.Helper()
	path := filepath.Join(s.dir, id, name)
	data, err := os.ReadFile(path)
	if err == nil {
		data[len(data)-1] ^= 1
		err = os.WriteFile(path, data, 0o640)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// names returns what is in the folder.
func (s *shelf) names() (names []string) {
	s.t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// The newest ones are kept, and each says what it was made with.
func TestSnapshotsAreKept(t *testing.T) {
	s := newShelf(t, 2)
	if found, err := s.Newest(); err != nil || found.Meta.Index != 0 || s.Index() != 0 {
		t.Errorf("the newest of none: %+v, %v", found, err)
	}
	for index := uint64(11); index <= 13; index++ {
		s.save(index, true)
	}
	list, err := s.List()
	if err != nil || len(list) != 2 || list[0].Index != 13 || list[1].Index != 12 || s.Index() != 13 {
		t.Fatalf("%d are listed, the newest is %d, %v", len(list), s.Index(), err)
	}
	m := list[0]
	if m.Term != 3 || m.ConfigurationIndex != 12 || len(m.Configuration.Servers) != 1 || m.Configuration.Servers[0].ID != "n1" {
		t.Errorf("%+v", m)
	}
	meta, content, err := s.Open(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if data, err := io.ReadAll(content); err != nil || !bytes.Equal(data, AppendHeader(nil, journal.Head{Height: 13, RaftIndex: 13}, 1)) || meta.Index != 13 {
		t.Errorf("%x of %+v, %v", data, meta, err)
	}
	if s.said.Len() > 0 {
		t.Errorf("said: %s", &s.said)
	}
}

// What is damaged is passed over and told: in the list by its description, when it is
// opened by its state too.
func TestDamagedSnapshotIsPassedOver(t *testing.T) {
	for _, name := range []string{checksumName, stateName} {
		s := newShelf(t, 2)
		older, newer := s.save(11, true), s.save(12, true)
		s.spoil(newer, name)
		found, err := s.Newest()
		if err != nil || found.Meta.ID != older || found.Head.Height != 11 || found.Journaled != 11 {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		if !strings.Contains(s.said.String(), "a snapshot is damaged") || !strings.Contains(s.said.String(), newer) {
			t.Errorf("%s: said: %s", name, &s.said)
		}
		if _, content, err := s.Open(newer); err == nil || content != nil || name == checksumName && !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: opened, %v", name, err)
		}
		list, err := s.List()
		if listed := len(list) == 2; err != nil || listed != (name == stateName) {
			t.Errorf("%s: %d are listed, %v", name, len(list), err)
		}
		if want := map[string]uint64{checksumName: 11, stateName: 12}[name]; s.Index() != want {
			t.Errorf("%s: the newest on disk is %d", name, s.Index())
		}
	}
	s := newShelf(t, 2)
	id := s.save(11, true)
	if err := os.Remove(filepath.Join(s.dir, id, checksumName)); err != nil {
		t.Fatal(err)
	}
	if list, err := s.List(); err != nil || len(list) > 0 || s.Index() != 0 {
		t.Errorf("without a checksum: %v, %v", list, err)
	}
}

// A state that begins as none, under a checksum that is right, is another program's: that
// is an error, and nothing to pass over.
func TestNewestOfAnotherProgram(t *testing.T) {
	s := newShelf(t, 2)
	sink, err := s.begin(11)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write([]byte("odd")); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Newest(); !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), sink.ID()) || found.Meta.Index != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// The journal is as durable as the newest snapshot says that was made here.
func TestHowFarTheJournalWasDurable(t *testing.T) {
	for _, c := range []struct {
		journaled []bool // of the snapshots 11, 12 and 13
		want      uint64
	}{
		{[]bool{true, true, true}, 13}, {[]bool{true, true, false}, 12}, {[]bool{true, false, false}, 11},
		{[]bool{false, false, false}, 0}, {[]bool{false, true, false}, 12},
	} {
		s := newShelf(t, 3)
		for i, journaled := range c.journaled {
			s.save(11+uint64(i), journaled)
		}
		if found, err := s.Newest(); err != nil || found.Journaled != c.want || found.Meta.Index != 13 || found.Head.Height != 13 {
			t.Errorf("%v: %+v, %v", c.journaled, found, err)
		}
	}
}

// What the start has just read against its checksum is opened once without reading it
// again; nothing else is.
func TestOpenedOnceWithoutItsChecksum(t *testing.T) {
	s := newShelf(t, 2)
	older, newer := s.save(11, true), s.save(12, true)
	find := func() {
		if _, err := s.Newest(); err != nil {
			t.Fatal(err)
		}
	}
	opens := func(id string) error {
		meta, content, err := s.Open(id)
		if err == nil {
			if content.Close(); meta.ID != id {
				t.Errorf("%s is opened as %s", id, meta.ID)
			}
		}
		return err
	}
	find()
	s.spoil(newer, stateName)
	if err := opens(newer); err != nil {
		t.Errorf("it was read again: %v", err)
	}
	if err := opens(newer); err == nil {
		t.Error("a damaged state is opened")
	}
	s.spoil(newer, stateName) // whole again
	find()
	if err := opens(older); err != nil {
		t.Error(err)
	}
	s.spoil(newer, stateName)
	if err := opens(newer); err == nil {
		t.Error("another one was opened in between, and a damaged state is opened")
	}
	s.spoil(newer, stateName)
	find()
	s.spoil(newer, checksumName)
	if err := opens(newer); !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("one whose description was damaged meanwhile: %v", err)
	}
	s.spoil(newer, checksumName)
	find()
	state := filepath.Join(s.dir, newer, stateName)
	if err := os.Rename(state, state+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := opens(newer); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one whose state is gone: %v", err)
	}
	if err := os.Rename(state+"-away", state); err != nil {
		t.Fatal(err)
	}
	find()
	if err := os.Rename(s.dir, s.dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := opens(newer); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is gone: %v", err)
	}
	if found, err := s.Newest(); !errors.Is(err, fs.ErrNotExist) || found.Meta.Index != 0 || s.Index() != 0 {
		t.Errorf("the newest of a folder that is gone: %+v, %v", found, err)
	}
}

// A snapshot that could not be finished is none, and leaves nothing.
func TestSnapshotThatCannotBeWritten(t *testing.T) {
	s := newShelf(t, 2)
	if sink, err := s.Create(0, 10, 3, raft.Configuration{}, 9, nil); sink != nil || err == nil {
		t.Errorf("in a version that nobody knows: %v", err)
	}
	s.disk.rename = errDisk
	if _, err := s.begin(11); !errors.Is(err, errDisk) {
		t.Errorf("begun: %v", err)
	}
	s.disk.rename = nil
	sink, err := s.begin(12)
	if err != nil {
		t.Fatal(err)
	}
	s.disk.open = errDisk
	if err := sink.Journaled(); !errors.Is(err, errDisk) {
		t.Errorf("noted: %v", err)
	}
	s.disk.open, s.disk.syncDir = nil, errDisk
	if err := sink.Close(); !errors.Is(err, errDisk) {
		t.Errorf("closed: %v", err)
	}
	if left := s.names(); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	s.disk.syncDir = nil
	if sink, err = s.begin(13); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sink.Close(), sink.Close()); err != nil || s.Index() != 13 {
		t.Errorf("closed twice: %v, the newest is %d", err, s.Index())
	}
}

// What is no folder for snapshots is refused when it is opened.
func TestSnapshotsThatCannotBeOpened(t *testing.T) {
	file := filepath.Join(testenv.MemoryDir(t), "file")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSnapshots(wal.OS{}, file, 2, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "snapshots: ") {
		t.Errorf("in a file: %v", err)
	}
	if _, err := OpenSnapshots(wal.OS{}, testenv.MemoryDir(t), 0, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "snapshots: ") {
		t.Errorf("none are kept: %v", err)
	}
}

// What a snapshot is said to be is all under its checksum.
func TestDescribe(t *testing.T) {
	is := raft.SnapshotMeta{Version: 1, ID: "3-11-1", Index: 11, Term: 3, ConfigurationIndex: 10,
		Configuration: raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "a:1"}}}}
	sound := describe(&is)
	for name, change := range map[string]func(*raft.SnapshotMeta){
		"version": func(m *raft.SnapshotMeta) { m.Version = 0 }, "id": func(m *raft.SnapshotMeta) { m.ID = "3-11-2" },
		"index": func(m *raft.SnapshotMeta) { m.Index++ }, "term": func(m *raft.SnapshotMeta) { m.Term++ },
		"members' index": func(m *raft.SnapshotMeta) { m.ConfigurationIndex++ },
		"members":        func(m *raft.SnapshotMeta) { m.Configuration = raft.Configuration{} },
	} {
		other := is
		change(&other)
		if bytes.Equal(describe(&other), sound) {
			t.Errorf("another %s has the same checksum", name)
		}
	}
	if again := is; !bytes.Equal(describe(&again), sound) || len(sound) != 32 {
		t.Errorf("%x", sound)
	}
}

// raft's words come through at a level that an operator wants to hear.
func TestRaftLogger(t *testing.T) {
	var said bytes.Buffer
	levels := new(slog.LevelVar)
	levels.Set(slog.LevelDebug)
	l := RaftLogger(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: levels})))
	for want, say := range map[string]func(string, ...any){
		"DEBUG trace": l.Trace, "DEBUG debug": l.Debug, "DEBUG info": l.Info, "WARN warn": l.Warn, "ERROR error": l.Error,
	} {
		said.Reset()
		level, message, _ := strings.Cut(want, " ")
		say(message, "peer", "n2")
		if line := said.String(); !strings.Contains(line, "level="+level+" msg="+message+" peer=n2\n") {
			t.Errorf("%s: %s", want, line)
		}
	}
	said.Reset()
	l.Named("snapshot").With("id", "7").ResetNamed("other").Warn("late")
	if line := said.String(); !strings.Contains(line, "level=WARN msg=late component=snapshot id=7\n") {
		t.Error(line)
	}
	said.Reset()
	l.StandardLogger(nil).Print("a line")
	n, err := l.StandardWriter(nil).Write([]byte("written"))
	if lines := said.String(); n != 7 || err != nil || strings.Count(lines, "level=DEBUG") != 2 || !strings.Contains(lines, "a line") || !strings.Contains(lines, "msg=written") {
		t.Errorf("%d, %v: %s", n, err, lines)
	}
	for at, want := range map[slog.Level][3]bool{slog.LevelDebug: {true, true, true}, slog.LevelInfo: {false, true, true},
		slog.LevelError: {false, false, true}, slog.LevelError + 1: {}} {
		levels.Set(at)
		if got := [3]bool{l.IsDebug(), l.IsWarn(), l.IsError()}; got != want || l.IsTrace() != got[0] || l.IsInfo() != got[0] {
			t.Errorf("at %v: %v", at, got)
		}
	}
}
