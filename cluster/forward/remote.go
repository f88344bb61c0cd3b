package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"onsale/internal/moment"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// MirrorInterval is how often a front-end asks for changed sales: it bounds how
// stale its views are.
const MirrorInterval = 50 * time.Millisecond

// Remote is a cluster as a front-end without a replica sees it. It is an
// api.Backend.
type Remote struct {
	client *Client
	links  *Links
	mirror *mirror
	asked  singleflight.Group
	hub    *Hub
	logger *slog.Logger

	known    atomic.Pointer[peer.Identity] // of the node that was asked last
	fresh    moment.Moment                 // when the mirror was updated last; none before the first time
	led      moment.Moment                 // when the leader answered last; none before the first time
	lags     atomic.Bool                   // the node that is followed shows less than the leader did a while ago
	stop     context.Context
	cancel   context.CancelFunc
	finished sync.WaitGroup
}

// NewRemote begins to follow a cluster. Close ends it, the client's too.
func NewRemote(client *Client, logger *slog.Logger) *Remote {
	r := &Remote{client: client, links: NewLinks(client.peer, client.directory), mirror: newMirror(), hub: NewHub(), logger: logger}
	r.mirror.hub = r.hub
	r.stop, r.cancel = context.WithCancel(context.Background())
	r.finished.Go(r.follow)
	if client.peer.Known != nil {
		r.finished.Go(r.meet)
		r.finished.Go(r.watchLeader)
	}
	return r
}

// Close ends the connections and answers who waits.
func (r *Remote) Close() error {
	err := r.client.Close()
	r.cancel()
	r.finished.Wait()
	r.links.Close()
	return err
}

// Watch lets changed be called when an order changed; see Hub.
func (r *Remote) Watch(order uint64, changed func()) (stop func()) {
	return r.hub.Watch(order, changed)
}

// Links returns the links to the cluster's nodes.
func (r *Remote) Links() *Links { return r.links }

// Client returns the way to the leader.
func (r *Remote) Client() *Client { return r.client }

// Cluster returns which cluster this is, once a node was reached.
func (r *Remote) Cluster() (is peer.Identity, known bool) {
	found := r.known.Load()
	if found == nil {
		return peer.Identity{}, false
	}
	return *found, true
}

// EverReached says whether a node has told how the sales stand at least once. Before it has,
// that Sales returns none says nothing about the cluster.
func (r *Remote) EverReached() bool {
	_, any := r.fresh.Since()
	return any
}

// Age returns for how long the views of sales were not refreshed; for ever before the first
// time.
func (r *Remote) Age() time.Duration {
	age, any := r.fresh.Since()
	if !any {
		return math.MaxInt64
	}
	return age
}

// LeaderAge returns for how long the leader has not answered; for ever before the first time.
// Any node shows the sales, and one that cannot reach the leader does too: what buys meet is
// told by this alone.
func (r *Remote) LeaderAge() time.Duration {
	age, any := r.led.Since()
	if !any {
		return math.MaxInt64
	}
	return age
}

// follow keeps the mirror up to date.
func (r *Remote) follow() {
	reached := true // so that the first failure is told
	for r.stop.Err() == nil {
		err := r.refresh(r.stop)
		if err != nil && r.stop.Err() == nil && reached {
			r.logger.Warn("no node of the cluster can be reached", "nodes", r.client.directory.Addresses(), "error", err)
		}
		reached = err == nil
		sleep(r.stop, MirrorInterval)
	}
}

// meetInterval is how often a front-end makes sure that it is linked to one more node.
const meetInterval = time.Second

// meet keeps a link to each node in turn. A node that was restored or recovered is of a
// cluster that succeeds the others', and a front-end that were content with those would
// never hear of it.
func (r *Remote) meet() {
	for turn := 0; r.stop.Err() == nil; turn++ {
		if addresses := r.client.directory.Addresses(); len(addresses) > 0 {
			ctx, cancel := context.WithTimeout(r.stop, shareTimeout)
			_, _ = r.links.To(ctx, "", addresses[turn%len(addresses)]) // who is out of reach is met later
			cancel()
		}
		sleep(r.stop, meetInterval)
	}
}

// watchLeader asks the leader, as long as it leads, for its position in turn: a front-end that
// has nothing to bring would not know that it cannot, nor that the node which it follows stands
// still.
func (r *Remote) watchLeader() {
	for r.stop.Err() == nil {
		ctx, cancel := context.WithTimeout(r.stop, shareTimeout)
		seq, err := AskLeader(ctx, r.links, func(l *Link) (uint64, error) { return l.Position(ctx) })
		cancel()
		if err == nil {
			r.led.Set(time.Now())
		}
		sleep(r.stop, meetInterval)
		if err == nil && r.AppliedSeq() < seq {
			r.lags.Store(true)
		}
	}
}

// refresh brings the mirror up to what some node shows.
func (r *Remote) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, shareTimeout)
	defer cancel()
	_, err := viaAny(ctx, r, func(l *Link) (orderAnswer, error) {
		return orderAnswer{}, r.mirror.update(ctx, l, r.client.directory)
	})
	if err == nil {
		r.fresh.Set(time.Now())
	}
	return err
}

// viaAny asks one node after the other until one answers. The same one is asked as
// long as it does: what it showed once it shows again. One that lags, because its disk is
// full or others do not reach it, is left for the next, and comes after all others.
func viaAny[T any](ctx context.Context, r *Remote, ask func(*Link) (T, error)) (answer T, err error) {
	addresses := r.client.directory.Addresses()
	if last := r.known.Load(); last != nil {
		followed := r.addressOf(last.ID)
		if r.lags.Swap(false) {
			next := slices.Index(addresses, followed) + 1
			addresses = slices.Concat(addresses[next:], addresses[:next])
			r.logger.Info("the node that is followed is behind the leader: the next one is", "node", last.ID, "seq", r.AppliedSeq())
		} else {
			addresses = append([]string{followed}, addresses...)
		}
	}
	err = fmt.Errorf("%w: no nodes are known", errUnreachable)
	for _, address := range addresses {
		if address == "" || ctx.Err() != nil {
			continue
		}
		var link *Link
		if link, err = r.links.To(ctx, "", address); err == nil {
			is := link.Peer()
			r.known.Store(&is)
			answer, err = ask(link)
		}
		if err == nil || !gone(err) && !isAny(err, sequencer.ErrStopping, sequencer.ErrSuperseded) {
			return answer, err
		}
	}
	return answer, err
}

// addressOf returns where a node that is linked to was reached; "" when it is not.
func (r *Remote) addressOf(id string) string {
	r.links.mu.Lock()
	defer r.links.mu.Unlock()
	for address, link := range r.links.open {
		if link.Peer().ID == id && link.Failed() == nil {
			return address
		}
	}
	return ""
}

// Decide brings a command to the leader.
func (r *Remote) Decide(c *sequencer.Command) (sequencer.Result, error) { return r.client.Decide(c) }

// Load says how full the way to the leader is, 0 to 1.
func (r *Remote) Load() float64 { return r.client.Load() }

// Sales returns all sales by number, as of at most about MirrorInterval ago while
// a node can be reached.
func (r *Remote) Sales() []sequencer.SaleView { return r.mirror.table.Load().views }

// SaleByID returns the sale with an id.
func (r *Remote) SaleByID(id string) (*sequencer.SaleView, bool) { return r.mirror.byID(id) }

// AppliedSeq returns the seq up to which the sales show everything.
func (r *Remote) AppliedSeq() uint64 { return r.mirror.applied.Load() }

// AppliedPosition returns the place of the last batch that the sales show.
func (r *Remote) AppliedPosition() sequencer.Position { return *r.mirror.position.Load() }

// WaitApplied returns when the sales show a decision, or ErrBehind.
func (r *Remote) WaitApplied(ctx context.Context, seq uint64) error {
	for r.AppliedSeq() < seq {
		if ctx.Err() != nil {
			return r.unlessUnmet(fmt.Errorf("%w: at %d, asked for %d", sequencer.ErrBehind, r.AppliedSeq(), seq))
		}
		sleep(ctx, MirrorInterval/10)
	}
	return nil
}

// CatchUp returns when the sales show what the leader had decided at the call.
func (r *Remote) CatchUp(ctx context.Context) error {
	seq, err := shareFresh(ctx, &r.asked, "position", func(ctx context.Context) (uint64, error) {
		return AskLeader(ctx, r.links, func(l *Link) (uint64, error) { return l.Position(ctx) })
	})
	if err != nil {
		return r.unlessUnmet(err)
	}
	return r.WaitApplied(ctx, seq)
}

// unlessUnmet returns an error of a read as it is; ErrNoLeader in place of ErrBehind while
// no node of the cluster was ever asked with success: there is nothing that could be behind.
func (r *Remote) unlessUnmet(err error) error {
	if !r.EverReached() && errors.Is(err, sequencer.ErrBehind) {
		return fmt.Errorf("%w: no node of the cluster was reached yet", sequencer.ErrNoLeader)
	}
	return err
}

// Order asks a node for an order.
func (r *Remote) Order(ctx context.Context, seq, reached uint64) (view sequencer.OrderView, asOf sequencer.AsOf, found bool, err error) {
	answer, err := share(ctx, &r.asked, fmt.Sprint("order ", seq, " ", reached), func(ctx context.Context) (orderAnswer, error) {
		return viaAny(ctx, r, func(l *Link) (orderAnswer, error) {
			view, asOf, found, err := l.Order(ctx, seq, reached)
			if !found {
				return orderAnswer{asOf: asOf}, err
			}
			return orderAnswer{[]sequencer.OrderView{view}, asOf}, err
		})
	})
	if err != nil || len(answer.views) == 0 {
		return view, answer.asOf, false, r.unlessUnmet(err)
	}
	return answer.views[0], answer.asOf, true, nil
}

// OrdersOf asks a node for a user's orders.
func (r *Remote) OrdersOf(ctx context.Context, user []byte, after uint64, limit int, reached uint64) ([]sequencer.OrderView, sequencer.AsOf, error) {
	own := append([]byte(nil), user...) // the question may outlive who asked first
	answer, err := share(ctx, &r.asked, ordersKey(user, after, limit, reached), func(ctx context.Context) (orderAnswer, error) {
		return viaAny(ctx, r, func(l *Link) (orderAnswer, error) {
			views, asOf, err := l.OrdersOf(ctx, own, after, limit, reached)
			return orderAnswer{views, asOf}, err
		})
	})
	return answer.views, answer.asOf, r.unlessUnmet(err)
}
