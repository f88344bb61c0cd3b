package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"onsale/wal"
)

// OpenVotes opens the file; mustExist says that raft has written it. What is in it is
// read, verified, and written into a file of its own that takes its place: bbolt
// writes to no file whose pages it would have to trust. What if we die meanwhile?
// The new file is made aside, synced and renamed: the name stands for the same
// values all the time.
func OpenVotes(files wal.Files, dir string, mustExist bool, fatal func(error)) (*Votes, error) {
	path := filepath.Join(dir, VotesName)
	var values [len(voteKeys)][]byte
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && mustExist:
		return nil, fmt.Errorf("%w: %s is missing", ErrVotes, path)
	case errors.Is(err, os.ErrNotExist):
		values = [len(voteKeys)][]byte{make([]byte, 8), make([]byte, 8), nil}
	case err == nil:
		if values, err = readVotes(path); errors.Is(err, ErrVersion) {
			return nil, fmt.Errorf("%s: %w", path, err)
		} else if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrVotes, path, err)
		}
	default:
		return nil, err
	}
	if err := writeVotes(files, path, values); err != nil {
		return nil, err
	}
	store, err := openBolt(path, false)
	return &Votes{store: store, fatal: fatal}, err
}

// readVotes reads every value and changes nothing. On damaged pages, which it maps
// into memory and trusts, bbolt does not always return.
func readVotes(path string) (values [len(voteKeys)][]byte, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("malformed page: %v", failure)
		}
	}()
	if err := checkMetas(path); err != nil {
		return values, err
	}
	store, err := openBolt(path, true)
	if err != nil {
		return values, err
	}
	v := Votes{store: store}
	for i, key := range voteKeys {
		value, failure := v.Get([]byte(key))
		if failure != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", key, failure))
		}
		values[i] = value
	}
	return values, errors.Join(err, store.Close())
}

func writeVotes(files wal.Files, path string, values [len(voteKeys)][]byte) error {
	if err := os.RemoveAll(path + ".new"); err != nil {
		return err
	}
	store, err := openBolt(path+".new", false)
	if err != nil {
		return err
	}
	v := &Votes{store: store, fatal: func(error) {}}
	for i, key := range voteKeys {
		err = errors.Join(err, v.Set([]byte(key), values[i]))
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if err := files.Rename(path+".new", path); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(path))
}

func openBolt(path string, readOnly bool) (*raftboltdb.BoltStore, error) {
	return raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: &bbolt.Options{Timeout: time.Second, ReadOnly: readOnly}})
}

// boltVersion is the version of bbolt's file format, a number in each meta page.
const boltVersion = 2

// checkMetas refuses a file with an invalid meta page: bbolt would silently go on
// from the other one, which is one vote older. A commit writes 64 bytes of one of
// them, inside a sector, so that a crash leaves both whole. ErrVersion when the page is
// whole and of another version of bbolt's format.
func checkMetas(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	page := int64(os.Getpagesize())
	for n := range int64(2) {
		// A page header of 16 bytes; 56 bytes of meta, their FNV-1a.
		meta := make([]byte, 64)
		if _, err := f.ReadAt(meta, n*page+16); err != nil {
			return fmt.Errorf("meta page %d: %w", n, err)
		}
		sum := fnv.New64a()
		sum.Write(meta[:56])
		if sum.Sum64() != binary.LittleEndian.Uint64(meta[56:]) {
			return fmt.Errorf("meta page %d has no valid checksum", n)
		}
		if version := binary.LittleEndian.Uint32(meta[4:]); version != boltVersion {
			return fmt.Errorf("%w: bbolt file version %d, this program knows %d", ErrVersion, version, boltVersion)
		}
		if pages := int64(binary.LittleEndian.Uint64(meta[40:])); pages*page > info.Size() {
			return fmt.Errorf("%d pages are in use, the file has %d bytes", pages, info.Size())
		}
	}
	return nil
}
