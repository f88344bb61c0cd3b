package raftfsm

import (
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"

	"onsale/wal/journal"
)

// checkpointsKept is how many checkpoints a replica remembers: a check is committed
// long before it is that old.
const checkpointsKept = 64

// checkpoints is what a replica knows of itself and of the others' claims.
type checkpoints struct {
	every   uint64        // batches
	reached chan struct{} // capacity 1: there is a new checkpoint

	mu       sync.Mutex
	newest   []Checkpoint    // at most checkpointsKept, by height
	diverged map[string]bool // members, as the last check that they are in says

	agreed, undecided, skipped, malformed atomic.Uint64
}

func newCheckpoints(every uint64) *checkpoints {
	return &checkpoints{every: every, reached: make(chan struct{}, 1), diverged: map[string]bool{}}
}

// note remembers a block that is a checkpoint.
func (p *checkpoints) note(b *journal.Block) {
	if b.Height%p.every != 0 {
		return
	}
	p.mu.Lock()
	if len(p.newest) == checkpointsKept {
		p.newest = append(p.newest[:0], p.newest[1:]...)
	}
	p.newest = append(p.newest, Checkpoint{b.Height, b.StateHash, b.Hash})
	p.mu.Unlock()
	signal(p.reached)
}

// forget drops what was remembered of a state that was replaced.
func (p *checkpoints) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newest = p.newest[:0]
}

func (p *checkpoints) list() []Checkpoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Checkpoint(nil), p.newest...)
}

func (p *checkpoints) at(height uint64) (Checkpoint, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.newest {
		if c.Height == height {
			return c, true
		}
	}
	return Checkpoint{}, false
}

// verify holds a committed check against what this replica decided: ErrDiverged when a
// majority decided otherwise. A check that cannot be read stops nobody: it would stop
// all.
func (p *checkpoints) verify(data []byte, log *slog.Logger) error {
	c, err := decodeCheck(data)
	if err != nil {
		p.malformed.Add(1)
		log.Error("a check of the replicas was passed over", "error", err)
		return nil
	}
	if c == nil {
		return nil
	}
	decided, is := c.decided()
	if !is {
		p.undecided.Add(1)
		log.Error("replicas have decided differently, and no majority agrees: pause the sales and run an audit on all", "height", c.height, "claims", fmt.Sprint(c.claims))
		return nil
	}
	p.blame(c, decided)
	own, kept := p.at(c.height)
	if !kept {
		p.skipped.Add(1)
		return nil
	}
	if own.Hash != decided.hash {
		return fmt.Errorf("%w: at height %d of the journal it has hash %x and state %016x, the majority %x and %016x",
			ErrDiverged, c.height, own.Hash[:8], own.StateHash, decided.hash[:8], decided.stateHash)
	}
	p.agreed.Add(1)
	return nil
}

// blame remembers who claims something else than the majority.
func (p *checkpoints) blame(c *check, decided *claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, claim := range c.claims {
		if len(p.diverged) < claimsMax || p.diverged[claim.id] {
			p.diverged[claim.id] = claim.hash != decided.hash
		}
	}
}

func (p *checkpoints) blamed() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.diverged)
}
