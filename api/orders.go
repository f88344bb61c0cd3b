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
			return contract.BadParameter("cursor", "cursor must be what the previous page said")
		}
	}
	page, err := p.orderPage(r, after)
	if err != nil {
		return err
	}
	r.sendJSON(200, contract.DecisionMediaType, page)
	return nil
}

func (p *Public) orderPage(r *request, after contract.Place) (*contract.OrderPage, error) {
	page := &contract.OrderPage{Orders: []contract.Order{}}
	clusters := p.clusters.Clusters()
	for i := range clusters {
		cluster, from := &clusters[i], uint64(0)
		if cluster.Number < after.Cluster {
			continue
		}
		if cluster.Number == after.Cluster {
			from = after.Seq
		}
		views, asOf, err := p.ordersIn(r, cluster, from, r.query.Limit+1-len(page.Orders))
		if err != nil {
			return nil, err
		}
		if len(clusters) == 1 {
			page.AsOfSeq = &asOf
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

func (p *Public) ordersIn(r *request, cluster *Cluster, after uint64, limit int) ([]sequencer.OrderView, uint64, error) {
	reached := max(r.query.AfterSeq, p.recent.newest(cluster.Number, r.who.User))
	ctx, done, err := p.patience(cluster, reached)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	views, asOf, err := cluster.Backend.OrdersOf(ctx, r.who.User, after, limit, reached)
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
		if view, err = p.polls.Wait(contract.Place{Cluster: cluster.Number, Sale: view.Sale, Seq: view.Seq}, view, r.header.IfNoneMatch, time.Duration(r.query.Wait)*time.Second); err != nil {
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
	r.sendJSON(200, contract.DecisionMediaType, &order)
	return nil
}

// cancel answers DELETE /v1/orders/{uid}. It is idempotent: what is cancelled
// stays so.
func (p *Public) cancel(r *request) error {
	if err := p.buyer(r, strict.Pretty); err != nil {
		return err
	}
	cluster, view, err := p.ownOrder(r)
	if err != nil {
		return err
	}
	r.command = sequencer.Command{Kind: sequencer.KindCancel, Order: view.Seq, User: r.who.User}
	result, err := p.decide(r, cluster)
	if err != nil {
		return err
	}
	view.State, view.Quantity, view.Position, view.AsOfSeq = result.State, result.Quantity, result.Position, result.Seq
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
	ctx, done, err := p.patience(cluster, reached)
	if err != nil {
		return nil, none, err
	}
	defer done()
	view, asOf, found, err := cluster.Backend.Order(ctx, at.Seq, reached)
	switch {
	case err != nil:
		return nil, none, err
	case !found || view.Sale != at.Sale || view.User != string(r.who.User) || !cluster.serves(view.SaleID):
		problem := contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("you have no such order as of seq %d", asOf))
		problem.AsOfSeq = &asOf
		return nil, none, problem
	}
	return cluster, view, nil
}

// patience bounds a read: in time, and, when it may have to wait for the replica,
// by how many wait so at once, so that made-up uids cannot tie the server up.
func (p *Public) patience(cluster *Cluster, reached uint64) (ctx context.Context, done func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.config.ReadWait)
	if reached <= cluster.Backend.AppliedSeq() {
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

// notModified answers that the caller's copy is still good.
func (r *request) notModified() {
	r.outcome = outcomeNotModified
	r.ctx.Response.SetStatusCode(304)
}
