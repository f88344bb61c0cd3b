package sequencer_test

import (
	"fmt"
	"time"

	"onsale/sequencer"
)

// insisting makes batches in which one user pays an order until it had all its attempts, and
// another tries out cards with many orders, each asked when the next attempt may begin and
// just before. It takes hours, in which all other holds would run out: it comes last.
func (g *generator) insisting() (batches []sequencer.Batch) {
	batch := func(at int64, commands ...sequencer.Command) {
		g.now = max(g.model.Now(), at)
		b := sequencer.Batch{Time: g.now, Commands: commands}
		g.learn(&b)
		batches = append(batches, b)
	}
	spec := sequencer.SaleSpec{ID: fmt.Sprint("insist", g.model.SaleCount()), Quantity: 20, Cap: 20, Price: 5, Currency: "EUR",
		Item: "seat", StartsAt: g.model.Now(), Hold: int64(24 * time.Hour)}
	batch(0, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	sale := uint16(g.model.SaleCount())
	buy := func(user string) uint64 {
		batch(0, sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, Quantity: 1, User: []byte(user)})
		return g.model.Seq()
	}
	try := func(user string, order uint64, outcome sequencer.PayOutcome) {
		at := g.model.NextAttempt(order)
		if at == sequencer.TimeMax {
			at = 0
		}
		view, _ := g.model.Order(order)
		begin := sequencer.Command{Kind: sequencer.KindPayBegin, Order: order, User: []byte(user), Amount: 5, Reference: []byte(g.model.Account())}
		batch(at-1, begin, sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: view.Attempts + 1, Outcome: outcome})
		view, _ = g.model.Order(order)
		batch(at, begin, sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: view.Attempts + 1, Outcome: outcome})
	}
	order := buy("insists")
	for range sequencer.AttemptsMax {
		try("insists", order, []sequencer.PayOutcome{sequencer.PayRejected, sequencer.PayCancelled}[g.random.IntN(2)])
	}
	for range 6 {
		attempt := uint8(g.between(1, sequencer.AttemptsMax))
		batch(0, sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: attempt, Outcome: sequencer.PayAccepted},
			sequencer.Command{Kind: sequencer.KindPayVoided, Order: order, Attempt: attempt - uint8(g.between(0, 1))})
	}
	for range 4 {
		order := buy("tests cards")
		for range sequencer.DeclinesFree / 2 {
			try("tests cards", order, sequencer.PayRejected)
		}
	}
	return batches
}
