package api

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// waitSecondsMax bounds ?wait=.
const waitSecondsMax = 60

// orderChanges waits until an order is another one than the caller knows: than the
// copy that If-None-Match names, or else than it is now. It returns the newest view,
// changed or not, when the wait is over. An order that nothing can change any more is
// not waited for.
func (p *Public) orderChanges(r *request, cluster *Cluster, at place, view sequencer.OrderView) (sequencer.OrderView, error) {
	known := orderTag(&view)
	if len(r.header.ifNoneMatch) > 0 && !etagMatches(string(r.header.ifNoneMatch), known) || isOver(&view) {
		return view, nil
	}
	select {
	case p.polls <- struct{}{}:
		defer func() { <-p.polls }()
	default:
		p.pollsRefused.Add(1)
		return view, contract.NewProblem(contract.Overloaded, fmt.Sprintf("%d requests wait for their orders already", cap(p.polls)))
	}
	changed := make(chan struct{}, 1)
	stop := cluster.Backend.Watch(at.seq, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer stop()
	changed <- struct{}{} // it may have changed since it was read
	over := time.NewTimer(time.Duration(r.query.wait) * time.Second)
	defer over.Stop()
	for {
		select {
		case <-changed:
		case <-over.C:
			return view, nil
		case <-p.stopping.Done():
			return view, nil
		}
		newest, err := p.orderNow(cluster, at)
		if err != nil {
			return view, err
		}
		if view = newest; orderTag(&view) != known {
			return view, nil
		}
	}
}

// isOver reports whether an order stays as it is for ever.
func isOver(v *sequencer.OrderView) bool {
	return v.VoidsDue == 0 && (v.State == sequencer.StateExpired || v.State == sequencer.StateCancelled || v.State == sequencer.StateRefunded)
}

// orderNow reads an order that is known to be there, as new as the sales are shown.
func (p *Public) orderNow(cluster *Cluster, at place) (sequencer.OrderView, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.config.ReadWait)
	defer cancel()
	view, _, found, err := cluster.Backend.Order(ctx, at.seq, max(at.seq, cluster.Backend.AppliedSeq()))
	if err == nil && !found {
		err = contract.ErrUnknownOrder
	}
	return view, err
}

// counting counts what is open, bounded.
type counting struct {
	open    atomic.Int64
	most    int64
	refused atomic.Uint64
}

// take takes a place; false when there is none.
func (c *counting) take() bool {
	if c.open.Add(1) <= c.most {
		return true
	}
	c.open.Add(-1)
	c.refused.Add(1)
	return false
}

func (c *counting) give() { c.open.Add(-1) }
