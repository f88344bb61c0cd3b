package api

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"

	"onsale/api/contract"
	"onsale/sequencer"
)

// keyMissing is the problem of a request about a sale whose buyers are known under a key that this
// process does not have.
func keyMissing(id sequencer.PseudonymKeyID) error {
	return contract.NewProblem(contract.PseudonymKey, fmt.Sprintf("the sale's buyers are known under the key %v, which is not in this process' --pseudonyms-file", id))
}

// payer returns by which name who asks has the order at a place. A sale that is not shown here yet is
// waited for as long as ctx lasts.
func (p *Public) payer(ctx context.Context, r *request, cluster *Cluster, at contract.Place) ([]byte, error) {
	if p.tokens.Pseudonyms().Newest() != 0 && int(at.Sale) > len(cluster.Backend.Sales()) {
		if err := cluster.Backend.CatchUp(ctx); err != nil {
			return nil, err
		}
	}
	key, sales := sequencer.PseudonymKeyID(0), cluster.Backend.Sales()
	if at.Sale > 0 && int(at.Sale) <= len(sales) {
		key = sales[at.Sale-1].PseudonymKey
	}
	user := r.who.NameIn(key)
	if user == nil {
		return nil, keyMissing(key)
	}
	return user, nil
}

// ordersUnder returns the orders that have one of the names, as Backend.OrdersOf does. What it
// returns is as of the look that saw least.
func ordersUnder(ctx context.Context, backend Backend, names [][]byte, after uint64, limit int, reached uint64) (all []sequencer.OrderView, asOf sequencer.AsOf, err error) {
	for i, name := range names {
		views, at, err := backend.OrdersOf(ctx, name, after, limit, reached)
		if err != nil {
			return nil, at, err
		}
		if i == 0 || at.Seq < asOf.Seq {
			asOf = at
		}
		all = append(all, views...)
	}
	if len(names) > 1 {
		slices.SortFunc(all, func(a, b sequencer.OrderView) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return all[:min(len(all), limit)], asOf, nil
}

// nameOf returns what to look for in a sale when a seller names a buyer: the user, or the pseudonym
// as orders show it.
func (p *Private) nameOf(user []byte, key sequencer.PseudonymKeyID) ([]byte, error) {
	if len(user) == 0 || sequencer.PseudonymKeyOf(user) != 0 {
		return user, nil
	}
	name := p.tokens.Pseudonyms().Of(key, user)
	if name == nil {
		return nil, keyMissing(key)
	}
	return name, nil
}

// pseudonymous returns a query as it may be written down: who looks for a buyer names one.
func (x *exchange) pseudonymous(query string) string {
	values, err := url.ParseQuery(query)
	if x.pseudonyms.Newest() == 0 || err == nil && !values.Has("user") {
		return query
	}
	if err != nil {
		return "" // it may say anything
	}
	for i, user := range values["user"] {
		if sequencer.PseudonymKeyOf([]byte(user)) == 0 {
			values["user"][i] = string(x.pseudonyms.Of(x.pseudonyms.Newest(), []byte(user)))
		}
	}
	return values.Encode()
}
