package raftfsm

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// watchedStable is a stable store whose first write error ends the process: a
// vote that may or may not be on disk must not be followed by another one.
type watchedStable struct {
	raft.StableStore
	fatal func(error)
}

func (s watchedStable) Set(key, value []byte) error {
	return s.watch(s.StableStore.Set(key, value))
}

func (s watchedStable) SetUint64(key []byte, value uint64) error {
	return s.watch(s.StableStore.SetUint64(key, value))
}

func (s watchedStable) watch(err error) error {
	if err != nil {
		s.fatal(fmt.Errorf("votes: %w", err))
	}
	return err
}
