package forward

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"onsale/sequencer"
)

// LeaderAfter is how long a read waits for this node's own replica before it asks
// the leader.
const LeaderAfter = 250 * time.Millisecond

// Replica is a cluster as a node's own door sees it: it reads the node's replica
// and decides here or, while another node leads, there. It is an api.Backend.
type Replica struct {
	Node
	client *Client
	links  *Links
	asked  singleflight.Group

	tickets ticketSigner

	hub      *Hub
	cancel   context.CancelFunc
	finished sync.WaitGroup
}

// NewReplica returns the door's view of the cluster through its node.
func NewReplica(node Node, client *Client) *Replica {
	r := &Replica{Node: node, client: client, links: NewLinks(client.peer, client.directory), hub: NewHub()}
	stop, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.finished.Go(func() { r.follow(stop) })
	return r
}

// follow tells who watches orders what this replica applied.
func (r *Replica) follow(ctx context.Context) {
	height := uint64(0)
	for ctx.Err() == nil {
		r.WaitChanges(ctx, height)
		orders, upTo, complete := r.Changes(height)
		tell(r.hub, orders, complete)
		height = upTo
	}
}

func tell(hub *Hub, orders []uint64, complete bool) {
	if complete {
		hub.Changed(orders)
	} else {
		hub.All()
	}
}

// Watch lets changed be called when an order changed; see Hub.
func (r *Replica) Watch(order uint64, changed func()) (stop func()) {
	return r.hub.Watch(order, changed)
}

// Links returns the links to the other nodes.
func (r *Replica) Links() *Links { return r.links }

// Client returns the way to the leader.
func (r *Replica) Client() *Client { return r.client }

// Close ends the way to the leader, then the links.
func (r *Replica) Close() error {
	r.cancel()
	err := r.client.Close()
	r.finished.Wait()
	r.links.Close()
	return err
}

// Decide decides on this node while it leads, else through the leader.
func (r *Replica) Decide(c *sequencer.Command) (sequencer.Result, error) {
	result, err := r.Node.Decide(c)
	if errors.Is(err, sequencer.ErrNoLeader) {
		return r.client.Decide(c)
	}
	return result, err
}

// Load says how full the way to the leader is, 0 to 1.
func (r *Replica) Load() float64 { return max(r.Node.Load(), r.client.Load()) }

// CatchUp returns when this replica shows what the leader had decided at the call. A
// node that takes itself for the leader makes sure of it, as for everybody else.
func (r *Replica) CatchUp(ctx context.Context) error {
	if err := r.superseded(); err != nil {
		return err
	}
	seq, err := shareFresh(ctx, &r.asked, "position", func(ctx context.Context) (uint64, error) {
		if seq, err := r.ReadIndex(ctx); err == nil {
			return seq, nil
		}
		return AskLeader(ctx, r.links, func(l *Link) (uint64, error) { return l.Position(ctx) })
	})
	if err != nil {
		return err
	}
	return r.WaitApplied(ctx, seq)
}

// superseded returns ErrSuperseded on a node of a cluster that another one succeeds: what
// it shows of buyers' orders may not be in that one.
func (r *Replica) superseded() error {
	if err := r.Leader(); errors.Is(err, sequencer.ErrSuperseded) {
		return err
	}
	return nil
}

// Order reads the replica, and asks the leader when the replica does not get as
// far as reached in time.
func (r *Replica) Order(ctx context.Context, seq, reached uint64) (view sequencer.OrderView, asOf sequencer.AsOf, found bool, err error) {
	if err := r.superseded(); err != nil {
		return view, asOf, false, err
	}
	if !r.reaches(ctx, max(seq, reached)) {
		return r.orderOfLeader(ctx, seq)
	}
	r.Read(func(s sequencer.Reader) {
		asOf = s.AsOf()
		view, found = s.Order(seq)
	})
	return view, asOf, found, nil
}

// reaches reports whether the replica shows a decision, or does within the time
// that it is waited for.
func (r *Replica) reaches(ctx context.Context, seq uint64) bool {
	if r.AppliedSeq() >= seq {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, LeaderAfter)
	defer cancel()
	return r.WaitApplied(ctx, seq) == nil
}

type orderAnswer struct {
	views []sequencer.OrderView
	asOf  sequencer.AsOf
}

func (r *Replica) orderOfLeader(ctx context.Context, seq uint64) (sequencer.OrderView, sequencer.AsOf, bool, error) {
	answer, err := share(ctx, &r.asked, fmt.Sprint("order ", seq), func(ctx context.Context) (orderAnswer, error) {
		return r.fromLeader(ctx, func() (here orderAnswer, err error) {
			r.Read(func(s sequencer.Reader) {
				here.asOf = s.AsOf()
				if view, known := s.Order(seq); known {
					here.views = []sequencer.OrderView{view}
				}
			})
			return here, nil
		}, func(l *Link) (orderAnswer, error) {
			view, asOf, found, err := l.Order(ctx, seq, 0)
			if !found {
				return orderAnswer{asOf: asOf}, err
			}
			return orderAnswer{[]sequencer.OrderView{view}, asOf}, err
		})
	})
	if err != nil || len(answer.views) == 0 {
		return sequencer.OrderView{}, answer.asOf, false, err
	}
	return answer.views[0], answer.asOf, true, nil
}

// OrdersOf does the same for a user's orders.
func (r *Replica) OrdersOf(ctx context.Context, user []byte, after uint64, limit int, reached uint64) ([]sequencer.OrderView, sequencer.AsOf, error) {
	if err := r.superseded(); err != nil {
		return nil, sequencer.AsOf{}, err
	}
	if r.reaches(ctx, reached) {
		var here orderAnswer
		r.Read(func(s sequencer.Reader) { here = orderAnswer{s.OrdersOf(user, after, limit), s.AsOf()} })
		return here.views, here.asOf, nil
	}
	answer, err := share(ctx, &r.asked, ordersKey(user, after, limit, 0), func(ctx context.Context) (orderAnswer, error) {
		return r.fromLeader(ctx, func() (here orderAnswer, err error) {
			r.Read(func(s sequencer.Reader) { here = orderAnswer{s.OrdersOf(user, after, limit), s.AsOf()} })
			return here, nil
		}, func(l *Link) (orderAnswer, error) {
			views, asOf, err := l.OrdersOf(ctx, user, after, limit, 0)
			return orderAnswer{views, asOf}, err
		})
	})
	return answer.views, answer.asOf, err
}

// OrdersIn looks for orders of a sale on the replica, which is waited for.
func (r *Replica) OrdersIn(ctx context.Context, q *sequencer.OrderQuery, reached uint64) (views []sequencer.OrderView, next uint64, asOf sequencer.AsOf, err error) {
	err = r.readApplied(ctx, reached, func(s sequencer.Reader) {
		views, next = s.OrdersIn(q)
		asOf = s.AsOf()
	})
	return views, next, asOf, err
}

// readApplied reads the replica once it has applied a decision.
func (r *Replica) readApplied(ctx context.Context, reached uint64, fn func(sequencer.Reader)) error {
	if err := r.superseded(); err != nil {
		return err
	}
	if err := r.WaitApplied(ctx, reached); err != nil {
		return err
	}
	r.Read(fn)
	return nil
}

// fromLeader reads here when this node makes sure that it leads, else there. A
// leader that was told of a seq which it has not decided tells so by its own.
func (r *Replica) fromLeader(ctx context.Context, here func() (orderAnswer, error), there func(*Link) (orderAnswer, error)) (orderAnswer, error) {
	if _, err := r.ReadIndex(ctx); err == nil {
		return here()
	}
	return AskLeader(ctx, r.links, func(l *Link) (orderAnswer, error) {
		if _, err := l.Position(ctx); err != nil { // it makes sure that it leads
			return orderAnswer{}, err
		}
		return there(l)
	})
}

func ordersKey(user []byte, after uint64, limit int, reached uint64) string {
	return fmt.Sprintf("orders %q %d %d %d", user, after, limit, reached)
}

// share asks a question once for all who ask it at the same time. The question
// goes on when the first of them gives up, bounded by shareTimeout.
func share[T any](ctx context.Context, group *singleflight.Group, key string, ask func(context.Context) (T, error)) (T, error) {
	answers := group.DoChan(key, func() (any, error) {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareTimeout)
		defer cancel()
		return ask(own)
	})
	select {
	case answer := <-answers:
		value, _ := answer.Val.(T)
		return value, unavailable(answer.Err)
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("%w: %w", sequencer.ErrBehind, ctx.Err())
	}
}

// shareFresh does the same with a question that began after the call: one that was on
// its way already may have been answered before, so who joined one asks, or joins, the
// next.
func shareFresh[T any](ctx context.Context, group *singleflight.Group, key string, ask func(context.Context) (T, error)) (answer T, err error) {
	var own atomic.Bool
	for range 2 {
		answer, err = share(ctx, group, key, func(ctx context.Context) (T, error) {
			own.Store(true)
			return ask(ctx)
		})
		if own.Load() || ctx.Err() != nil {
			break
		}
	}
	return answer, err
}

// shareTimeout bounds a question that several share.
const shareTimeout = 2 * time.Second

// unavailable makes of a node that could not be reached what its asker is told.
func unavailable(err error) error {
	if err != nil && gone(err) {
		return fmt.Errorf("%w: %w", sequencer.ErrNoLeader, err)
	}
	return err
}
