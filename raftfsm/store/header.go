package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// ErrSnapshot is returned when a snapshot does not begin as one of this program's.
var ErrSnapshot = errors.New("snapshot header is malformed")

// ErrVersion is returned when what raft keeps was written in a version of its format that
// this program does not know. It is whole; nothing was changed.
var ErrVersion = errors.New("unknown format version")

const headerVersion = 1

const headerMagic = "ONSLFSM"

// headerBytes is the length of what precedes the state in a snapshot.
//
//	offset  bytes  header, little-endian
//	0       7      "ONSLFSM"
//	7       1      version (1)
//	8       8      height of the journal's head
//	16      8      raft index of the journal's head
//	24      32     hash of the journal's head
//	56      8      seq of the last decided command
//	64      4      CRC-32C of everything before
//	68             state (sequencer.Snapshot)
//
// Magic, version and checksum are where they are in every version: a version byte that was
// damaged is not taken for another version.
const headerBytes = 68

// AppendHeader writes what precedes the state in a snapshot: the journal's head that
// belongs to it, and the seq of its last decided command.
func AppendHeader(dst []byte, head journal.Head, seq uint64) []byte {
	le, start := binary.LittleEndian, len(dst)
	dst = append(dst, headerMagic...)
	dst = append(dst, headerVersion)
	dst = le.AppendUint64(dst, head.Height)
	dst = le.AppendUint64(dst, head.RaftIndex)
	dst = append(dst, head.Hash[:]...)
	dst = le.AppendUint64(dst, seq)
	return le.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func readHeader(in io.Reader) (journal.Head, error) {
	var data [headerBytes]byte
	if _, err := io.ReadFull(in, data[:]); err != nil {
		return journal.Head{}, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	le := binary.LittleEndian
	sum := crc32.Checksum(data[:headerBytes-4], castagnoli)
	if string(data[:7]) != headerMagic || sum != le.Uint32(data[headerBytes-4:]) {
		return journal.Head{}, fmt.Errorf("%w: no valid checksum", ErrSnapshot)
	}
	if data[7] != headerVersion {
		return journal.Head{}, fmt.Errorf("%w: snapshot header version %d, this program knows %d", ErrVersion, data[7], headerVersion)
	}
	return journal.Head{Height: le.Uint64(data[8:]), RaftIndex: le.Uint64(data[16:]), Hash: journal.Hash(data[24:56])}, nil
}

// ReadSnapshot reads a snapshot's file: the journal's head and the state, both
// verified. It returns ErrSnapshot, ErrVersion, sequencer.ErrLevel or what
// sequencer.ReadSnapshot returns.
func ReadSnapshot(in io.Reader) (journal.Head, *sequencer.State, error) {
	head, err := readHeader(in)
	if err != nil {
		return head, nil, err
	}
	state, err := sequencer.ReadSnapshot(in)
	if err == nil {
		err = sequencer.CheckLevel(state.Level())
	}
	return head, state, err
}
