package stream

import (
	"context"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// Polls are the requests that wait for their orders to change (?wait=), bounded.
type Polls struct {
	source Source
	ctx    context.Context // all waits end with it
	open   *bound
	// revokesMore returns what is closed when rights are taken back the next time.
	revokesMore func() <-chan struct{}
}

// NewPolls returns no polls yet, of which most may wait at once until ctx ends, and
// eachMost of one user's; 0 means no bound on these. revokesMore returns what is closed when
// rights are taken back the next time.
func NewPolls(ctx context.Context, most, eachMost int, source Source, revokesMore func() <-chan struct{}) *Polls {
	return &Polls{source: source, ctx: ctx, open: newBound("requests that wait", most, eachMost), revokesMore: revokesMore}
}

// Wait waits until an order is another one than the caller knows: than the copy that
// ifNoneMatch names, or else than the view shows. It returns the newest view, changed or
// not, when the wait is over. An order that nothing can change any more is not waited
// for. The error is overloaded when too many wait, too-many-open when too many of the
// order's user do, token-revoked when the caller's right is taken back meanwhile, or that of the
// reading.
func (p *Polls) Wait(at contract.Place, view sequencer.OrderView, ifNoneMatch []byte, wait time.Duration, right Right) (sequencer.OrderView, error) {
	known := contract.OrderTag(&view)
	if len(ifNoneMatch) > 0 && !contract.TagMatches(string(ifNoneMatch), known) || isOver(&view) {
		return view, nil
	}

	if err := p.open.take(view.User); err != nil {
		return view, err
	}
	defer p.open.give(view.User)

	changed := make(chan struct{}, 1)
	stop := p.source.Watch(at, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer stop()
	changed <- struct{}{} // it may have changed since it was read
	return p.next(at, view, changed, time.After(wait), right)
}

// next returns the first view that differs from the one that is known.
func (p *Polls) next(at contract.Place, view sequencer.OrderView, changed <-chan struct{}, over <-chan time.Time, right Right) (sequencer.OrderView, error) {
	known := contract.OrderTag(&view)
	for {
		revokes := p.revokesMore() // before it is asked, so that no revocation is missed
		if right.isRevoked() {
			return view, contract.NewProblem(contract.TokenRevoked, "the token was revoked while the request waited")
		}
		select {
		case <-changed:
		case <-revokes:
			continue
		case <-over:
			return view, nil
		case <-p.ctx.Done():
			return view, nil
		}

		newest, err := p.source.Order(at)
		if err != nil {
			return view, err
		}
		if view = newest; contract.OrderTag(&view) != known {
			return view, nil
		}
	}
}
