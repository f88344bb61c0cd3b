package folder

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal/journal"
	"onsale/wal/waltest"
)

var backedUp = BackupInfo{ClusterID: NewClusterID().String(), ClusterNumber: 7, NodeID: "n2",
	CreatedAt: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Index: 40, Term: 6,
	Members: []Member{{ID: "n1", Address: "a:1", Voter: true}, {ID: "n2", Address: "b:1"}}}

var backedUpHead = journal.Head{Height: 30, RaftIndex: 40, Hash: journal.Hash{1, 2, 3}}

// snapshotBytes is a snapshot of a state with one sale and one order.
func snapshotBytes(t *testing.T) []byte {
	t.Helper()
	state, d := sequencer.New(), new(sequencer.Decisions)
	spec := sequencer.SaleSpec{ID: "concert", Item: "Concert", Quantity: 1000, Cap: 2, Price: 100, Currency: "EUR",
		Hold: int64(time.Hour), Grace: int64(time.Minute)}
	state.Apply(&sequencer.Batch{Time: 1, Commands: []sequencer.Command{
		{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)},
		{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte("ann")},
	}}, d)
	out := bytes.NewBuffer(store.AppendHeader(nil, backedUpHead, state.Seq()))
	if _, err := state.Snapshot().WriteTo(out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// backupOf is a backup of some bytes as a snapshot.
func backupOf(t *testing.T, snapshot []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := WriteBackup(&out, &backedUp, int64(len(snapshot)), bytes.NewReader(snapshot)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// resum puts the right checksum behind a changed backup.
func resum(backup []byte) []byte {
	content := backup[:len(backup)-sha256.Size]
	sum := sha256.Sum256(content)
	return append(content[:len(content):len(content)], sum[:]...)
}

// infoEnd returns where the description ends.
func infoEnd(backup []byte) int {
	return backupHeaderBytes + int(binary.LittleEndian.Uint32(backup[12:]))
}

// What was written is read, and nothing else is taken for it.
func TestBackupIsReadAsItWasWritten(t *testing.T) {
	sound := backupOf(t, snapshotBytes(t))
	info, head, state, err := ReadBackup(bytes.NewReader(sound))
	if err != nil || !reflect.DeepEqual(*info, backedUp) || head != backedUpHead {
		t.Fatalf("%+v, %+v, %v", info, head, err)
	}
	if state.OrderCount() != 1 || state.SaleCount() != 1 || state.Seq() != 2 {
		t.Errorf("%d orders, %d sales, at %d", state.OrderCount(), state.SaleCount(), state.Seq())
	}
	waltest.EveryDamage(sound, func(what string, data []byte) {
		if _, _, _, err := ReadBackup(bytes.NewReader(data)); !errors.Is(err, ErrBackup) {
			t.Fatalf("%s: %v", what, err)
		}
	})
}

// A whole backup with something behind it is none: two that were written into one file, or one
// over a longer one.
func TestBytesBehindABackup(t *testing.T) {
	sound := backupOf(t, snapshotBytes(t))
	for what, more := range map[string][]byte{"a zero": {0}, "a line feed": []byte("\n"), "another one": sound} {
		if _, _, _, err := ReadBackup(bytes.NewReader(append(bytes.Clone(sound), more...))); !errors.Is(err, ErrBackup) {
			t.Errorf("%s: %v", what, err)
		}
	}
	dir := filepath.Join(t.TempDir(), "restored")
	_, err := RestoreBackup(bytes.NewReader(append(sound, 0)), into(dir))
	if !errors.Is(err, ErrBackup) {
		t.Errorf("restored: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, identityName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left a folder that would start: %v", err)
	}
}

// A backup under a right checksum is held to its format all the same.
func TestMalformedBackups(t *testing.T) {
	le, sound := binary.LittleEndian, backupOf(t, snapshotBytes(t))
	at := func(offset int, value byte) func([]byte) []byte {
		return func(b []byte) []byte { b[offset] = value; return b }
	}
	size := func(by int) func([]byte) []byte {
		return func(b []byte) []byte {
			le.PutUint64(b[infoEnd(b):], le.Uint64(b[infoEnd(b):])+uint64(by))
			return b
		}
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		says   string
	}{
		"another beginning":     {at(0, 'o'), "it begins with"},
		"first byte not zero":   {at(9, 1), "it begins with"},
		"second byte not zero":  {at(10, 1), "it begins with"},
		"third byte not zero":   {at(11, 1), "it begins with"},
		"description too long":  {func(b []byte) []byte { le.PutUint32(b[12:], backupInfoBytesMax+1); return b }, "it begins with"},
		"description not whole": {func(b []byte) []byte { le.PutUint32(b[12:], backupInfoBytesMax); return b }, "EOF"},
		"no description":        {at(backupHeaderBytes, '['), "invalid character"},
		"snapshot too long":     {size(sha256.Size + 1), "1 bytes of the snapshot are missing"},
		"snapshot too short":    {size(-1), "snapshot is corrupt"},
	} {
		_, _, _, err := ReadBackup(bytes.NewReader(resum(c.change(bytes.Clone(sound)))))
		if !errors.Is(err, ErrBackup) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A description may be as long as its bound, and no longer.
func TestBoundOfTheDescription(t *testing.T) {
	snapshot := snapshotBytes(t)
	sound := backupOf(t, snapshot)
	for length, whole := range map[int]bool{backupInfoBytesMax - 1: true, backupInfoBytesMax: true, backupInfoBytesMax + 1: false} {
		spaces := bytes.Repeat([]byte(" "), length-(infoEnd(sound)-backupHeaderBytes))
		long := append(append(bytes.Clone(sound[:infoEnd(sound)]), spaces...), sound[infoEnd(sound):]...)
		binary.LittleEndian.PutUint32(long[12:], uint32(length))
		_, _, _, err := ReadBackup(bytes.NewReader(resum(long)))
		if whole != (err == nil) || err != nil && !errors.Is(err, ErrBackup) {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

// The checksum is that of the whole, also where nobody reads the content.
func TestBackupOfUnreadContent(t *testing.T) {
	sound := backupOf(t, []byte("any bytes"))
	unread := func(info *BackupInfo, size int64, content io.Reader) error {
		if size != 9 || info.NodeID != "n2" {
			t.Errorf("%d bytes of %+v", size, info)
		}
		return nil
	}
	if info, err := readBackup(bytes.NewReader(sound), unread); err != nil || !reflect.DeepEqual(*info, backedUp) {
		t.Errorf("%+v, %v", info, err)
	}
	changed := bytes.Clone(sound)
	changed[infoEnd(sound)+8]++
	if _, err := readBackup(bytes.NewReader(changed), unread); !errors.Is(err, ErrBackup) {
		t.Errorf("changed content: %v", err)
	}
	refused := errors.New("refused")
	refuse := func(*BackupInfo, int64, io.Reader) error { return refused }
	if _, err := readBackup(bytes.NewReader(sound), refuse); !errors.Is(err, ErrBackup) || !errors.Is(err, refused) {
		t.Errorf("content that is refused: %v", err)
	}
}

var errFull = errors.New("full")

// fullAfter takes some writes, and then none.
type fullAfter struct{ writes int }

func (w *fullAfter) Write(data []byte) (int, error) {
	if w.writes == 0 {
		return 0, errFull
	}
	w.writes--
	return len(data), nil
}

// Who writes a backup hears of what could not be written, and of a snapshot that ends early.
func TestBackupThatCannotBeWritten(t *testing.T) {
	for writes := range 3 { // beginning, snapshot, checksum
		err := WriteBackup(&fullAfter{writes}, &backedUp, 9, strings.NewReader("any bytes"))
		if !errors.Is(err, errFull) {
			t.Errorf("after %d writes: %v", writes, err)
		}
	}
	if err := WriteBackup(&fullAfter{3}, &backedUp, 9, strings.NewReader("any bytes")); err != nil {
		t.Error(err)
	}
	if err := WriteBackup(io.Discard, &backedUp, 10, strings.NewReader("any bytes")); !errors.Is(err, io.EOF) {
		t.Errorf("a snapshot that ends early: %v", err)
	}
}
