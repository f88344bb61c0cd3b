package api

import (
	"context"
	"fmt"
	"time"

	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// orders answers GET /v1/orders: the caller's orders, by cluster and seq. A
// cluster that cannot be asked makes it an error: a list must not lack orders
// silently.
func (p *Public) orders(r *request) error {
	if err := p.buyer(r, strict.Limit|strict.Cursor|strict.AfterSeq|strict.Pretty); err != nil {
		return err
	}
	if err := p.shed(r, p.config.ShedViewsLoad, shedView); err != nil {
		return err
	}
	var after contract.Place
	if len(r.query.Cursor) > 0 {
		var err error
		if after, err = contract.PlaceOf(r.query.Cursor); err != nil {
			return badCursor()
		}
		if _, err = p.clusterOf(after); err != nil {
			return badCursor()
		}
	}
	page, err := p.orderPage(r, after)
	if err != nil {
		return err
	}
	r.sendJSON(200, contract.DecisionMediaType, page)
	return nil
}

func badCursor() error {
	return contract.BadParameter("cursor", "cursor must be what the previous page said")
}

// orderPage returns the page behind an order, the zero Place for the first one.
func (p *Public) orderPage(r *request, after contract.Place) (*contract.OrderPage, error) {
	page := &contract.OrderPage{Orders: []contract.Order{}}
	clusters := p.clusters.Clusters()
	for i := range clusters {
		cluster, from := &clusters[i], contract.Place{}
		if cluster.Number < after.Cluster {
			continue
		}
		if cluster.Number == after.Cluster {
			from = after
		}
		views, asOf, err := p.ordersBehind(r, cluster, from, r.query.Limit+1-len(page.Orders))
		if err != nil {
			return nil, err
		}
		if len(clusters) == 1 {
			page.AsOfSeq, page.AsOf = &asOf.Seq, asOf.String()
		}
		for k := range views {
			page.Orders = append(page.Orders, contract.OrderIn(cluster.Number, &views[k]))
		}
		if page.HasMore = len(page.Orders) > r.query.Limit; page.HasMore {
			page.Orders = page.Orders[:r.query.Limit]
			page.Cursor = page.Orders[r.query.Limit-1].UID
			break
		}
	}
	return page, nil
}

// ordersBehind returns a cluster's orders behind a cursor, which must name one of the
// caller's whole; the zero Place is none. So the page is asked for with that order at its
// head.
func (p *Public) ordersBehind(r *request, cluster *Cluster, cursor contract.Place, limit int) ([]sequencer.OrderView, sequencer.AsOf, error) {
	if cursor.Seq == 0 {
		return p.ordersIn(r, cluster, 0, 0, limit)
	}
	views, asOf, err := p.ordersIn(r, cluster, cursor.Seq-1, cursor.Seq, limit+1)
	if err != nil {
		return nil, asOf, err
	}
	if len(views) == 0 || views[0].Seq != cursor.Seq || views[0].Sale != cursor.Sale {
		return nil, asOf, badCursor()
	}
	return views[1:], asOf, nil
}

// ordersIn returns a cluster's orders above after, as of at least reached.
func (p *Public) ordersIn(r *request, cluster *Cluster, after, reached uint64, limit int) (views []sequencer.OrderView, asOf sequencer.AsOf, err error) {
	reached = max(reached, r.query.AfterSeq, p.recent.newest(cluster.Number, r.who.User))
	ctx, done, err := p.patience(cluster, reached, r.query.After)
	if err != nil {
		return nil, asOf, err
	}
	defer done()
	err = untilReached(ctx, r.query.After, func() (sequencer.Position, error) {
		views, asOf, err = ordersUnder(ctx, cluster.Backend, r.who.Names(), after, limit, reached)
		return asOf.Position, err
	})
	if err != nil && cluster.Name != "" {
		err = fmt.Errorf("cluster %s: %w", cluster.Name, err)
	}
	return views, asOf, err
}

// order answers GET /v1/orders/{uid}.
func (p *Public) order(r *request) error {
	cluster, view, err := p.polledOrder(r, strict.AfterSeq|strict.Wait|strict.Pretty)
	if err != nil {
		return err
	}
	if r.query.Wait > 0 {
		at := contract.Place{Cluster: cluster.Number, Sale: view.Sale, Seq: view.Seq}
		wait := min(time.Duration(r.query.Wait)*time.Second, time.Unix(r.who.Expires, 0).Sub(r.started))
		if view, err = p.polls.Wait(at, view, r.header.IfNoneMatch, wait, right(p.tokens, r.who)); err != nil {
			return err
		}
	}
	tag := contract.OrderTag(&view)
	r.ctx.Response.Header.Set("ETag", tag)
	if contract.TagMatches(string(r.header.IfNoneMatch), tag) {
		r.notModified()
		return nil
	}
	order := contract.OrderIn(cluster.Number, &view)
	if err := codeTickets(&order, &view, cluster.Tickets); err != nil {
		return err
	}
	if view.State == sequencer.StatePaying && cluster.Payments != nil {
		order.Place, order.WaitSeconds = inLine(cluster.Payments, view.Seq)
	}
	r.sendJSON(200, contract.DecisionMediaType, &order)
	return nil
}

// placeWait bounds the time in which the leader says where an attempt is in the line; who does
// not hear it sees the order without.
const placeWait = 300 * time.Millisecond

// inLine returns where an order's attempt to pay waits for its turn at the provider.
func inLine(payments Payments, order uint64) (place, waitSeconds uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), placeWait)
	defer cancel()
	at, err := payments.Place(ctx, order)
	if err != nil {
		return 0, 0
	}
	return contract.InLine(at)
}

// cancel answers DELETE /v1/orders/{uid}, of all of an order or of q tickets. It is idempotent:
// what is cancelled stays so, and a key gives one part back.
func (p *Public) cancel(r *request) error {
	if err := p.buyer(r, strict.Quantity|strict.Pretty); err != nil {
		return err
	}
	cluster, view, err := p.ownOrder(r)
	if err != nil {
		return err
	}
	r.command = sequencer.Command{Kind: sequencer.KindCancel, Order: view.Seq, User: []byte(view.User), Quantity: r.query.Quantity}
	if r.query.Quantity > 0 && len(r.header.Key) > 0 {
		r.command.Key = sequencer.DigestKey(r.command.User, r.header.Key)
	}
	result, err := p.decide(r, cluster)
	if err != nil {
		return err
	}
	showDecided(&view, &result)
	order := contract.OrderIn(cluster.Number, &view)
	r.sendJSON(200, contract.DecisionMediaType, &order)
	return nil
}

// buyer lets only buyers in and reads the query. What it answers is theirs
// alone and is not to be stored.
func (p *Public) buyer(r *request, allowed strict.Parameter) error {
	r.ctx.Response.Header.SetCanonical(nameCacheControl, valueNoStore)
	if err := p.identify(r); err != nil {
		return err
	}
	if problem := r.query.Read(r.raw, allowed); problem != nil {
		return problem
	}
	return nil
}

// polledOrder is what a request for one order has to pass before it is answered: who may
// poll, and then is shed before the order is looked for.
func (p *Public) polledOrder(r *request, allowed strict.Parameter) (*Cluster, sequencer.OrderView, error) {
	if err := p.buyer(r, allowed); err != nil {
		return nil, sequencer.OrderView{}, err
	}
	if err := p.shed(r, p.config.ShedPollsLoad, shedPoll); err != nil {
		return nil, sequencer.OrderView{}, err
	}
	return p.ownOrder(r)
}

// ownOrder returns the order that the path names, when it is the caller's. A
// uid that the replica has not reached yet is waited for: its owner may hold
// the answer of a replica that is ahead.
func (p *Public) ownOrder(r *request) (*Cluster, sequencer.OrderView, error) {
	none := sequencer.OrderView{}
	at, err := contract.PlaceOf([]byte(r.segment("uid")))
	if err != nil {
		return nil, none, err
	}
	cluster, err := p.clusterOf(at)
	if err != nil {
		return nil, none, err
	}
	reached := max(at.Seq, r.query.AfterSeq, p.recent.newest(cluster.Number, r.who.User))
	ctx, done, err := p.patience(cluster, reached, r.query.After)
	if err != nil {
		return nil, none, err
	}
	defer done()
	var view sequencer.OrderView
	var asOf sequencer.AsOf
	var found bool
	err = untilReached(ctx, r.query.After, func() (sequencer.Position, error) {
		view, asOf, found, err = cluster.Backend.Order(ctx, at.Seq, reached)
		return asOf.Position, err
	})
	switch {
	case err != nil:
		return nil, none, err
	case found && view.Sale == at.Sale && r.who.NameIn(sequencer.PseudonymKeyOf([]byte(view.User))) == nil:
		return nil, none, keyMissing(sequencer.PseudonymKeyOf([]byte(view.User)))
	case !found || view.Sale != at.Sale || !r.who.Is(view.User):
		problem := contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("you have no such order as of seq %d", asOf.Seq))
		problem.AsOfSeq, problem.AsOf = &asOf.Seq, asOf.String()
		return nil, none, problem
	}
	return cluster, view, nil
}

// patience bounds a read: in time, and, when it may have to wait for the replica,
// by how many wait so at once, so that made-up uids cannot tie the server up.
func (p *Public) patience(cluster *Cluster, reached uint64, at sequencer.Position) (ctx context.Context, done func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.config.ReadWait)
	if reached <= cluster.Backend.AppliedSeq() && (at == sequencer.Position{} || cluster.Backend.AppliedPosition().Reaches(at)) {
		return ctx, cancel, nil
	}
	select {
	case p.waiters <- struct{}{}:
		return ctx, func() { cancel(); <-p.waiters }, nil
	default:
		p.waitersRefused.Add(1)
		cancel()
		return nil, nil, fmt.Errorf("%w: too many reads wait for it", sequencer.ErrBehind)
	}
}

// positionInterval is how often a read is repeated that does not show a position yet.
const positionInterval = 5 * time.Millisecond

// untilReached repeats a read until it shows a position; none is shown by every read. It
// returns the read's error, ErrBehind when ctx ends before, and history-cut when the
// position is of another birth even then: of a history that a restore has ended.
func untilReached(ctx context.Context, want sequencer.Position, read func() (sequencer.Position, error)) error {
	for {
		at, err := read()
		if err != nil || want == (sequencer.Position{}) || at.Reaches(want) {
			return err
		}
		select {
		case <-time.After(positionInterval):
			continue
		case <-ctx.Done():
		}
		if at.Birth == want.Birth {
			return fmt.Errorf("%w: at %s, asked for %s", sequencer.ErrBehind, at, want)
		}
		problem := contract.NewProblem(contract.HistoryCut, fmt.Sprintf("%s is not a position of this cluster's history: read again without it", want))
		problem.AsOf = at.String()
		return problem
	}
}

// notModified answers that the caller's copy is still good.
func (r *request) notModified() {
	r.outcome = outcomeNotModified
	r.ctx.Response.SetStatusCode(304)
}
