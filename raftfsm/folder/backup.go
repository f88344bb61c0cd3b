package folder

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// ErrBackup is returned when a file is no whole backup. One that another release wrote is
// whole: it gives an error of IsOtherVersion instead.
var ErrBackup = errors.New("backup is damaged")

// The layout of a backup, little-endian.
//
//	offset  bytes  backup
//	0       8      "ONSLBKUP"
//	8       1      version (1)
//	9       3      zero
//	12      4      length of the description
//	16             description (BackupInfo, JSON)
//	+0      8      length of the snapshot
//	+8             snapshot (see package store)
//	end-32  32     SHA-256 of everything before
//
// Every version begins with these 9 bytes and ends with that checksum.
const (
	backupMagic       = "ONSLBKUP"
	backupVersion     = 1
	backupHeaderBytes = 16
	// backupInfoBytesMax bounds the description.
	backupInfoBytesMax = 1 << 20
)

// BackupInfo describes a backup.
type BackupInfo struct {
	ClusterID     string    `json:"cluster_id"`
	ClusterNumber uint8     `json:"cluster_number"`
	NodeID        string    `json:"node_id"` // that made it
	CreatedAt     time.Time `json:"created_at"`
	Index         uint64    `json:"index"` // of the last entry in it
	Term          uint64    `json:"term"`
	Members       []Member  `json:"members"`
	// Stale says that the node heard no leader when it made the backup: what was decided
	// without it is missing.
	Stale bool `json:"stale,omitempty"`
}

// WriteBackup writes a backup of a snapshot of size bytes.
func WriteBackup(to io.Writer, info *BackupInfo, size int64, snapshot io.Reader) error {
	description, err := json.Marshal(info)
	if err != nil {
		return err
	}
	header := append([]byte(backupMagic), backupVersion, 0, 0, 0)
	header = append(binary.LittleEndian.AppendUint32(header, uint32(len(description))), description...)
	header = binary.LittleEndian.AppendUint64(header, uint64(size))

	sum := sha256.New()
	out := io.MultiWriter(to, sum)
	if _, err := out.Write(header); err != nil {
		return err
	}
	if _, err := io.CopyN(out, snapshot, size); err != nil {
		return err
	}
	_, err = to.Write(sum.Sum(nil))
	return err
}

// ReadBackup reads a whole backup: its description, the journal's head and the
// state, all verified. ErrBackup, or an error of IsOtherVersion.
func ReadBackup(in io.Reader) (*BackupInfo, journal.Head, *sequencer.State, error) {
	var head journal.Head
	var state *sequencer.State
	info, err := readBackup(in, func(_ *BackupInfo, size int64, content io.Reader) (err error) {
		head, state, err = store.ReadSnapshot(content)
		return err
	})
	return info, head, state, err
}

// readBackup hands the snapshot in a backup to use and verifies the whole.
func readBackup(in io.Reader, use func(info *BackupInfo, size int64, content io.Reader) error) (*BackupInfo, error) {
	sum := sha256.New()
	both := io.TeeReader(in, sum)
	var header [backupHeaderBytes]byte
	if _, err := io.ReadFull(both, header[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	le := binary.LittleEndian
	length := le.Uint32(header[12:])
	if string(header[:8]) == backupMagic && header[8] != backupVersion {
		return nil, otherBackup(in, sum, header[8])
	}
	if string(header[:8]) != backupMagic || header[9]|header[10]|header[11] != 0 || length > backupInfoBytesMax {
		return nil, fmt.Errorf("%w: it begins with %x", ErrBackup, header)
	}
	rest := make([]byte, length+8)
	if _, err := io.ReadFull(both, rest); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	info := new(BackupInfo)
	if err := json.Unmarshal(rest[:length], info); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	size := int64(le.Uint64(rest[length:]))
	content := &io.LimitedReader{R: both, N: size}
	used := use(info, size, content)
	if used != nil && !IsOtherVersion(used) {
		return nil, fmt.Errorf("%w: %w", ErrBackup, used)
	}
	if _, err := io.Copy(io.Discard, content); err != nil || content.N != 0 {
		return nil, fmt.Errorf("%w: %d bytes of the snapshot are missing", ErrBackup, content.N)
	}
	var trailer [sha256.Size]byte
	if _, err := io.ReadFull(in, trailer[:]); err != nil || [sha256.Size]byte(sum.Sum(nil)) != trailer {
		return nil, fmt.Errorf("%w: its checksum does not fit", ErrBackup)
	}
	switch _, err := io.ReadFull(in, make([]byte, 1)); {
	case err == nil: // two in one file, or one over a longer one: which was meant is not ours to say
		return nil, fmt.Errorf("%w: it goes on behind its end", ErrBackup)
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if used != nil {
		return nil, fmt.Errorf("backup: %w", used)
	}
	return info, nil
}

// otherBackup says whether a backup with another version byte is one of that version: its
// checksum fits. sum is of what was read.
func otherBackup(in io.Reader, sum hash.Hash, version byte) error {
	ahead := bufio.NewReaderSize(in, 1<<16)
	for {
		content, err := ahead.Peek(ahead.Size())
		if hashed := len(content) - sha256.Size; hashed > 0 {
			sum.Write(content[:hashed])
			content = content[hashed:]
			if _, failed := ahead.Discard(hashed); failed != nil {
				return failed // they are in the buffer
			}
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) || !bytes.Equal(content, sum.Sum(nil)) {
			return fmt.Errorf("%w: its checksum does not fit, and its version is %d", ErrBackup, version)
		}
		return fmt.Errorf("%w: backup version %d, this program knows %d", ErrVersion, version, backupVersion)
	}
}
