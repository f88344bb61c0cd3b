package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	"onsale/internal/failpoint"
	"onsale/internal/moment"
)

// ErrVotes is returned when the file of raft's term and vote is missing, damaged or
// older than the log: a node that forgot its vote could vote twice.
var ErrVotes = errors.New("votes are lost or damaged")

// VotesName is the file of raft's term and vote in a data folder.
const VotesName = "raft-votes.bolt"

// The keys under which raft keeps its term and vote.
var voteKeys = [...]string{"CurrentTerm", "LastVoteTerm", "LastVoteCand"}

// Votes is raft's stable store in a bbolt file. bbolt has no checksums but on its
// two meta pages, so each value carries one (CRC-32C of key and value, at its end),
// and all keys are there from the beginning: one that is missing was lost. The
// first write error ends the process: a vote that may or may not be on disk must
// not be followed by another one.
type Votes struct {
	store *raftboltdb.BoltStore
	fatal func(error)
	calls moment.Calls // of the disk
}

var _ raft.StableStore = (*Votes)(nil)

// Get returns a value whose checksum is right; raftboltdb's error for "not found".
func (v *Votes) Get(key []byte) ([]byte, error) {
	defer v.calls.End(v.calls.Begin())
	data, err := v.store.Get(key)
	if err != nil {
		return nil, err
	}
	at := len(data) - crc32.Size
	if at < 0 || checksumOf(key, data[:at]) != binary.LittleEndian.Uint32(data[at:]) {
		return nil, fmt.Errorf("%w: the value of %s has no valid checksum", ErrVotes, key)
	}
	return bytes.Clone(data[:at]), nil
}

// Set makes a value durable.
func (v *Votes) Set(key, value []byte) error {
	defer v.calls.End(v.calls.Begin())
	data := binary.LittleEndian.AppendUint32(bytes.Clone(value), checksumOf(key, value))
	err := failpoint.Err(failpoint.VoteBefore)
	if err == nil {
		err = v.store.Set(key, data)
	}
	failpoint.Hit(failpoint.VoteAfter)
	if err != nil {
		v.fatal(fmt.Errorf("votes: %w", err))
	}
	return err
}

// GetUint64 implements raft.StableStore.
func (v *Votes) GetUint64(key []byte) (uint64, error) {
	value, err := v.Get(key)
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("%w: %s has %d bytes", ErrVotes, key, len(value))
	}
	return binary.LittleEndian.Uint64(value), nil
}

// SetUint64 implements raft.StableStore.
func (v *Votes) SetUint64(key []byte, value uint64) error {
	return v.Set(key, binary.LittleEndian.AppendUint64(nil, value))
}

// Term returns the current term.
func (v *Votes) Term() (uint64, error) { return v.GetUint64([]byte(voteKeys[0])) }

// Voted returns the newest term in which a vote was given.
func (v *Votes) Voted() (uint64, error) { return v.GetUint64([]byte(voteKeys[1])) }

// Calls are the calls of the disk.
func (v *Votes) Calls() *moment.Calls { return &v.calls }

// Close closes the file.
func (v *Votes) Close() error { return v.store.Close() }

func checksumOf(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
