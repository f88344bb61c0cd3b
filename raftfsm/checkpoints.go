package raftfsm

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
	newest   []Checkpoint       // at most checkpointsKept, by height
	verdicts map[string]verdict // members, as the last check that they are in says

	agreed, undecided, skipped, malformed atomic.Uint64
}

// verdict is whether a member has decided otherwise than a majority, and if so since when a
// check says so, by the log's time: the same at every replica that has applied that check.
type verdict struct {
	differs bool
	since   int64
}

// Divergence is a member that has decided otherwise than a majority.
type Divergence struct {
	ID string `json:"id"`
	// Since is the log's time at the first check that said so of those that this node has
	// applied since its start.
	Since time.Time `json:"since"`
}

func newCheckpoints(every uint64) *checkpoints {
	return &checkpoints{every: every, reached: make(chan struct{}, 1), verdicts: map[string]verdict{}}
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
// all. now is the log's time.
func (p *checkpoints) verify(data []byte, now int64, log *slog.Logger) error {
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
	p.blame(c, decided, now)
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
func (p *checkpoints) blame(c *check, decided *claim, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, claim := range c.claims {
		before := p.verdicts[claim.id]
		if len(p.verdicts) >= claimsMax && !before.differs {
			continue
		}
		is := verdict{differs: claim.hash != decided.hash}
		if is.differs {
			is.since = now
		}
		if is.differs && before.differs {
			is.since = before.since
		}
		p.verdicts[claim.id] = is
	}
}

func (p *checkpoints) blamed() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]bool{}
	for id, is := range p.verdicts {
		all[id] = is.differs
	}
	return all
}

// differing returns who is blamed, by id.
func (p *checkpoints) differing() (all []Divergence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, is := range p.verdicts {
		if is.differs {
			all = append(all, Divergence{id, time.Unix(0, is.since).UTC()})
		}
	}
	slices.SortFunc(all, func(a, b Divergence) int { return strings.Compare(a.ID, b.ID) })
	return all
}
