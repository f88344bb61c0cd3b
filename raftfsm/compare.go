package raftfsm

import (
	"encoding/hex"
	"errors"
)

// SameHistory reports whether this node's journal has, at a height, the block with a
// hash. A block's hash covers the state's hash and every block before it, so replicas
// of which one answers true for the other's head have decided everything alike.
// It returns an error when the block is not here, or not yet.
func (n *Node) SameHistory(height uint64, hash string) (bool, error) {
	head := n.data.Journal.Position()
	if height == head.Height {
		return hex.EncodeToString(head.Hash[:]) == hash, nil
	}
	first, last := n.data.Journal.Range()
	if height == 0 || first == 0 || height < first || height > last {
		return false, errNotKept
	}
	block, err := n.data.Journal.Read(height)
	if err != nil {
		return false, errors.Join(errNotKept, err)
	}
	return hex.EncodeToString(block.Hash[:]) == hash, nil
}
