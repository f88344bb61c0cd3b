package folder

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

func versionOptions(dir string) Options {
	return Options{Dir: dir, NodeID: "n1", Files: wal.OS{}, LogSegmentBytes: 1 << 20, JournalSegmentBytes: 1 << 20, SnapshotsKept: 2,
		Fatal: func(error) {}, Logger: slog.New(slog.DiscardHandler)}
}

// snapshotOf returns a snapshot as raft keeps it.
func snapshotOf(t *testing.T, head journal.Head) []byte {
	t.Helper()
	content := bytes.NewBuffer(store.AppendHeader(nil, head, 0))
	if _, err := sequencer.New().Snapshot().WriteTo(content); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

// keepSnapshot puts a snapshot into an open folder.
func keepSnapshot(t *testing.T, f *Folder, index uint64, content []byte) {
	t.Helper()
	_, trans := raft.NewInmemTransport("")
	sink, err := f.Snapshots.Create(raft.SnapshotVersionMax, index, 1, raft.Configuration{}, 1, trans)
	if err == nil {
		_, err = sink.Write(content)
	}
	if err = errors.Join(err, sink.Close()); err != nil {
		t.Fatal(err)
	}
}

// usedFolder makes a folder with one of everything: an entry and its block, a snapshot, votes.
func usedFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(testenv.MemoryDir(t), "n1")
	f, err := Open(versionOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	block := journal.Block{RaftIndex: 1, Term: 1}
	err = errors.Join(f.Owner.MarkStarted(), f.Votes.SetUint64([]byte("CurrentTerm"), 1),
		f.Log.StoreLogs([]*raft.Log{{Index: 1, Term: 1, Type: raft.LogNoop}}), f.Journal.Put(&block))
	if err != nil {
		t.Fatal(err)
	}
	keepSnapshot(t, f, 1, snapshotOf(t, block.Head()))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// appendRecord puts a record behind a log's last.
func appendRecord(t *testing.T, dir string, record []byte) {
	t.Helper()
	log, err := wal.Open(dir, wal.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Append(log.NextIndex(), [][]byte{record}), log.Close()); err != nil {
		t.Fatal(err)
	}
}

// rewrite replaces a file by what change makes of it.
func rewrite(t *testing.T, path string, change func(data []byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(data), 0o640)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// otherHeader makes the header in front of a state one of another version.
func otherHeader(content []byte) []byte {
	const sum = 64
	data := bytes.Clone(content)
	data[7] = 9
	return append(sealed(data[:sum]), content[sum+4:]...)
}

// sealed returns data with its CRC-32C behind it.
func sealed(data []byte) []byte {
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

// frameOf returns a whole entry of a log whose frame has a version of its own.
func frameOf(version byte, index uint64, record []byte) []byte {
	frame := binary.LittleEndian.AppendUint32([]byte{version}, uint32(len(record)))
	frame = binary.LittleEndian.AppendUint64(frame, index) // the first of its append
	sum := crc32.Update(crc32.Checksum(frame, castagnoli), castagnoli, record)
	frame = append(binary.LittleEndian.AppendUint32(frame, sum), record...)
	return append(binary.AppendUvarint(nil, uint64(len(frame))), frame...)
}

// contentOf reads all files of a folder.
func contentOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(path) == "LOCK" || filepath.Base(path) == store.VotesName {
			return err // votes are written anew by each start
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

// foreign makes one file of a data folder one of another version of its format.
type foreign struct {
	name, says string
	make       func(t *testing.T, dir string)
}

// foreigns has every format that the opening of a folder reads. Those inside a snapshot are
// in TestOtherVersionsInside, and bbolt's, whose file is package store's, is there.
func foreigns() []foreign {
	segment := fmt.Sprintf("%020d", 1)
	return []foreign{
		{"identity", "identity version 9, this program knows", func(t *testing.T, dir string) {
			is, err := ReadIdentity(dir)
			if err != nil {
				t.Fatal(err)
			}
			is.Version = 9
			if err := writeIdentity(wal.OS{}, dir, is); err != nil {
				t.Fatal(err)
			}
		}},
		{"log manifest", "manifest version 9, this program knows", func(t *testing.T, dir string) {
			rewrite(t, filepath.Join(dir, "raft-log", "MANIFEST"), func(data []byte) []byte {
				data[7] = 9
				return sealed(append(data[:len(data)-4], "more"...))
			})
		}},
		{"log frame", "frame version 9, this program knows", func(t *testing.T, dir string) {
			rewrite(t, filepath.Join(dir, "raft-log", segment), func(data []byte) []byte {
				return append(data, frameOf(9, 2, []byte("record"))...)
			})
		}},
		{"log record", "record 2 has version 9, this program knows", func(t *testing.T, dir string) {
			appendRecord(t, filepath.Join(dir, "raft-log"), []byte{9, 1, 2})
		}},
		{"journal frame", "frame version 9, this program knows", func(t *testing.T, dir string) {
			rewrite(t, filepath.Join(dir, "journal", segment), func(data []byte) []byte {
				return append(data, frameOf(9, 2, []byte("record"))...)
			})
		}},
		{"block", "unknown block version: 9, this program knows", func(t *testing.T, dir string) {
			appendRecord(t, JournalDir(dir), []byte{9, 1, 2})
		}},
		{"snapshot", "snapshot header version 9, this program knows", func(t *testing.T, dir string) {
			f, err := Open(versionOptions(dir))
			if err != nil {
				t.Fatal(err)
			}
			content := snapshotOf(t, journal.Head{Height: 1, RaftIndex: 1})
			content = otherHeader(content)
			keepSnapshot(t, f, 2, content)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}},
	}
}

// What another release wrote is called that, never damaged, and stays as it is.
func TestOtherVersions(t *testing.T) {
	for _, c := range foreigns() {
		dir := usedFolder(t)
		c.make(t, dir)
		before := contentOf(t, dir)
		_, err := Open(versionOptions(dir))
		if !IsOtherVersion(err) || IsDamage(err) || strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !maps.Equal(contentOf(t, dir), before) {
			t.Errorf("%s: files were changed", c.name)
		}
	}
	if _, err := Open(versionOptions(usedFolder(t))); err != nil {
		t.Errorf("the folder itself: %v", err)
	}
}

// Backups of another version, and such in which something is.
func TestOtherVersionsInside(t *testing.T) {
	whole := snapshotOf(t, journal.Head{Height: 1, RaftIndex: 1})
	state := bytes.Clone(whole)
	state[bytes.Index(state, []byte("ONSLSNAP"))+8] = 9
	for _, c := range []struct {
		name, says string
		snapshot   []byte
		version    byte
	}{
		{"backup", "backup version 9, this program knows 1", whole, 9},
		{"long backup", "backup version 9, this program knows 1", append(bytes.Clone(whole), make([]byte, 1<<17)...), 9},
		{"header", "snapshot header version 9, this program knows 1", otherHeader(whole), backupVersion},
		{"state", "snapshot version 9, this program knows", state, backupVersion},
	} {
		var backup bytes.Buffer
		if err := WriteBackup(&backup, &BackupInfo{}, int64(len(c.snapshot)), bytes.NewReader(c.snapshot)); err != nil {
			t.Fatal(err)
		}
		data := backup.Bytes()[:backup.Len()-sha256.Size]
		data[8] = c.version
		sum := sha256.Sum256(data)
		_, _, _, err := ReadBackup(bytes.NewReader(append(data, sum[:]...)))
		if !IsOtherVersion(err) || IsDamage(err) || errors.Is(err, ErrBackup) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
