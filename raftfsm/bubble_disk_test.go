package raftfsm

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// disk knows up to where a node's two logs were synced: a crash may take what lies
// behind. It learns that from the logs' own counts of syncs.
type disk struct {
	log, journal atomic.Uint64 // newest durable index and height
	snapshot     atomic.Uint64 // height of the newest snapshot
	syncs        int64         // of the log, as of the last append
}

// stored is called after each append to the raft log, by the goroutine that appends.
func (d *disk) stored(n *Node, logs []*raft.Log) {
	if syncs := n.data.Log.Wal().Stats().Syncs; syncs != d.syncs {
		d.syncs = syncs
		d.log.Store(logs[len(logs)-1].Index)
	}
}

// tear cuts the newest segment of a log at a place behind the last durable record,
// in the middle of a record or not. It returns how many bytes are gone.
func tear(dir string, durable uint64, choose func(n int) int) (int, error) {
	path, err := newestSegment(dir)
	if err != nil || path == "" {
		return 0, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	keep, _ := recordsUpTo(data, durable)
	if keep >= len(data) {
		return 0, nil
	}
	size := keep + choose(len(data)-keep+1)
	return len(data) - size, os.Truncate(path, int64(size))
}

// recordsUpTo returns the length of the records up to an index, and the index of the
// last of them; 0 when there is none. A record is a varint length, and a frame with
// its index in 6 bytes at offset 5 (package wal).
func recordsUpTo(data []byte, limit uint64) (size int, last uint64) {
	for size < len(data) {
		length, prefix := binary.Uvarint(data[size:])
		end := size + prefix + int(length)
		if prefix <= 0 || end > len(data) || length < 13 {
			break
		}
		index := binary.LittleEndian.Uint64(data[size+prefix+5:]) & (1<<48 - 1)
		if index > limit {
			break
		}
		size, last = end, index
	}
	return size, last
}

// lastRecord returns the index of a log's last record, or the one before its first.
func lastRecord(dir string) (uint64, error) {
	path, err := newestSegment(dir)
	if err != nil || path == "" {
		return 0, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	if _, last := recordsUpTo(data, math.MaxUint64); last > 0 {
		return last, nil
	}
	first, err := strconv.ParseUint(filepath.Base(path), 10, 64)
	return first - 1, err
}

func newestSegment(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	newest := ""
	for _, e := range entries {
		if len(e.Name()) == 20 && strings.Trim(e.Name(), "0123456789") == "" {
			newest = filepath.Join(dir, e.Name()) // sorted by name
		}
	}
	return newest, err
}
