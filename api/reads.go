package api

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync/atomic"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/api/stream"
	"onsale/api/strict"
	"onsale/sequencer"
)

// recentSlots is how many users' newest decisions are told apart. Users who
// share a slot make each other's reads wait a little longer, never see less.
const recentSlots = 1 << 12

// recent remembers the newest decision that this listener told a user, so that what it
// shows the user next is not older.
type recent struct {
	seed  maphash.Seed
	slots [recentSlots]atomic.Uint64
}

func newRecent() *recent { return &recent{seed: maphash.MakeSeed()} }

func (r *recent) slot(cluster uint8, user []byte) *atomic.Uint64 {
	return &r.slots[(maphash.Bytes(r.seed, user)+uint64(cluster))%recentSlots]
}

// told notes a decision.
func (r *recent) told(cluster uint8, user []byte, result *sequencer.Result) {
	slot := r.slot(cluster, user)
	for known := slot.Load(); known < result.Seq; known = slot.Load() {
		if slot.CompareAndSwap(known, result.Seq) {
			return
		}
	}
}

// newest returns the newest decision that the user, or one who shares the slot, was
// told of here.
func (r *recent) newest(cluster uint8, user []byte) uint64 { return r.slot(cluster, user).Load() }

// clusterOf returns the cluster that an order is in.
func (p *Public) clusterOf(at contract.Place) (*Cluster, error) {
	clusters := p.clusters.Clusters()
	for i := range clusters {
		if clusters[i].Number == at.Cluster {
			return &clusters[i], nil
		}
	}
	return nil, contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("there is no cluster %d here", at.Cluster))
}

// source is what streams and long polls read.
type source struct{ p *Public }

func (s source) Sale(id string) (*sequencer.SaleView, error) {
	_, view, err := s.p.findSale(id)
	return view, err
}

func (s source) Order(at contract.Place) (sequencer.OrderView, error) {
	cluster, err := s.p.clusterOf(at)
	if err != nil {
		return sequencer.OrderView{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.p.config.ReadWait)
	defer cancel()
	view, _, found, err := cluster.Backend.Order(ctx, at.Seq, max(at.Seq, cluster.Backend.AppliedSeq()))
	if err == nil && !found {
		err = contract.ErrUnknownOrder
	}
	return view, err
}

// Watch of a cluster that is not in the table any more calls nobody: Order tells.
func (s source) Watch(at contract.Place, changed func()) (stop func()) {
	cluster, err := s.p.clusterOf(at)
	if err != nil {
		return func() {}
	}
	return cluster.Backend.Watch(at.Seq, changed)
}

// saleEvents answers GET /v1/tickets/events?sale=ID.
func (p *Public) saleEvents(r *request) error {
	if problem := r.query.Read(r.raw, strict.Sale); problem != nil {
		return problem
	}
	if err := p.shed(r, p.config.ShedViewsLoad, shedView); err != nil {
		return err
	}
	_, view, err := p.saleOf(&r.query)
	if err != nil {
		return err
	}
	return p.streams.Sale(r.ctx, r.requestID(), view, r.header.LastEventID, r.started)
}

// orderEvents answers GET /v1/orders/{uid}/events.
func (p *Public) orderEvents(r *request) error {
	cluster, view, err := p.polledOrder(r, strict.AfterSeq)
	if err != nil {
		return err
	}
	at := contract.Place{Cluster: cluster.Number, Sale: view.Sale, Seq: view.Seq}
	return p.streams.Order(r.ctx, r.requestID(), at, &view, r.header.LastEventID, right(p.tokens, r.who))
}

// saleEvents answers GET /v1/sales/{id}/events: the sale's numbers whenever they
// changed, until the caller leaves or its token ends.
func (p *Private) saleEvents(x *exchange) error {
	view, err := p.sale(x)
	if err != nil {
		return err
	}
	return p.streams.Serve(x.writer, x.request, string(x.actor), view, func() *sequencer.SaleView {
		newest, _ := p.backend.SaleByID(view.ID)
		return newest
	}, right(p.tokens, x.who))
}

// right is how long a caller may be told of what comes.
func right(tokens *auth.Verifier, who *auth.Identity) stream.Right {
	return stream.Right{Expires: who.Expires, Revoked: func() bool { return tokens.Revoked(who) }}
}

// showDecided brings what was read of an order up to a decision about it, which does not say
// in which batch it is.
func showDecided(view *sequencer.OrderView, result *sequencer.Result) {
	view.State, view.Quantity, view.Position, view.AsOfSeq = result.State, result.Quantity, result.Position, result.Seq
	view.AsOf = sequencer.Position{}
}
