package raftfsm

import (
	"encoding/hex"
	"errors"

	"onsale/wal/journal"
)

// Checks are how replicas compare what they decided (see ErrDiverged). All methods are
// safe for concurrent use.
type Checks struct {
	checkpoints *checkpoints
	membership  *Membership
	batcher     *batcher
	journal     *journal.Journal
}

// Newest returns the newest checkpoints of this replica, by height.
func (c *Checks) Newest() []Checkpoint { return c.checkpoints.list() }

// Reached receives when there is a new checkpoint; one receiver.
func (c *Checks) Reached() <-chan struct{} { return c.checkpoints.reached }

// Propose commits what members say of the newest height about which a majority of
// the voters says something, with the next batch. It returns that height; 0 when there
// is none above after.
func (c *Checks) Propose(told map[string][]Checkpoint, after uint64) uint64 {
	members, own := c.membership.List(), c.Newest()
	for i := len(own) - 1; i >= 0 && own[i].Height > after; i-- {
		gathered := checkOf(own[i].Height, members, told)
		votes := 0
		for _, claim := range gathered.claims {
			if claim.voter {
				votes++
			}
		}
		if votes > gathered.voters/2 {
			encoded := gathered.append(nil)
			c.batcher.check.Store(&encoded)
			c.batcher.inbox.Wake()
			return gathered.height
		}
	}
	return 0
}

// checkOf gathers what members say of a height.
func checkOf(height uint64, members []Member, told map[string][]Checkpoint) *check {
	c := &check{height: height}
	for _, m := range members {
		if m.Voter {
			c.voters++
		}
		for _, point := range told[m.ID] {
			if point.Height == height && len(c.claims) < claimsMax {
				c.claims = append(c.claims, claim{m.ID, m.Voter, point.StateHash, point.Hash})
			}
		}
	}
	return c
}

// SameHistory reports whether this node's journal has, at a height, the block with a
// hash. A block's hash covers the state's hash and every block before it, so replicas
// of which one answers true for the other's head have decided everything alike.
// It returns an error when the block is not here, or not yet.
func (c *Checks) SameHistory(height uint64, hash string) (bool, error) {
	head := c.journal.Position()
	if height == head.Height {
		return hex.EncodeToString(head.Hash[:]) == hash, nil
	}
	first, last := c.journal.Range()
	if height == 0 || first == 0 || height < first || height > last {
		return false, errNotKept
	}
	block, err := c.journal.Read(height)
	if err != nil {
		return false, errors.Join(errNotKept, err)
	}
	return hex.EncodeToString(block.Hash[:]) == hash, nil
}
