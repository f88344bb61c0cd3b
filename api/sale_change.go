package api

import (
	"errors"
	"fmt"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// saleVerbs are the changes of a sale that need no more than their name.
func saleVerbs() map[string]sequencer.Kind {
	return map[string]sequencer.Kind{
		"close":  sequencer.KindSaleClose,
		"cancel": sequencer.KindSaleCancel,
	}
}

// saleVerb answers POST /v1/sales/{id}/VERB. All of them may be repeated.
func (p *Private) saleVerb(kind sequencer.Kind) func(*exchange) error {
	return func(x *exchange) error {
		if err := x.noBody(); err != nil {
			return err
		}
		view, err := p.sale(x)
		if err != nil {
			return err
		}
		return p.changeAndShow(x, &sequencer.Command{Kind: kind, Sale: view.Number})
	}
}

// pauseSale answers POST /v1/sales/{id}/pause and /resume. One that says which change its seller saw
// is for the sale as it was then, so that repeated late it does not undo what was done since; one
// that says nothing is for the sale as it is.
func (p *Private) pauseSale(kind sequencer.Kind) func(*exchange) error {
	return func(x *exchange) error {
		if x.request.ContentLength == 0 {
			return p.saleVerb(kind)(x)
		}
		var seen contract.Seen
		if err := x.decode(&seen); err != nil {
			return err
		}
		return p.changeAsSeen(x, seen.ChangedSeq, &sequencer.Command{Kind: kind})
	}
}

// releaseTickets answers POST /v1/sales/{id}/release: refunded tickets are sold again. Each
// request adds, to the sale as its seller saw it.
func (p *Private) releaseTickets(x *exchange) error {
	var wanted contract.Release
	if err := x.decode(&wanted); err != nil {
		return err
	}
	return p.changeAsSeen(x, wanted.ChangedSeq, &sequencer.Command{Kind: sequencer.KindSaleRelease, Amount: wanted.Tickets})
}

// extendHolds answers POST /v1/sales/{id}/extend: live holds of the sale get more time. Each
// request adds, to the sale as its seller saw it.
func (p *Private) extendHolds(x *exchange) error {
	var wanted contract.Extension
	if err := x.decode(&wanted); err != nil {
		return err
	}
	if wanted.By < 1 || wanted.By > sequencer.DurationMax {
		return contract.BadParameter("by", fmt.Sprintf("%v, allowed is more than 0s, up to %v", wanted.By, time.Duration(sequencer.DurationMax)))
	}
	return p.changeAsSeen(x, wanted.ChangedSeq, &sequencer.Command{Kind: sequencer.KindSaleExtend, Amount: int64(wanted.By)})
}

// changeAsSeen decides a change for the sale alone whose newest change the seller saw, so that one
// that is sent twice, or repeated late because its answer was lost, is made once.
func (p *Private) changeAsSeen(x *exchange, seen uint64, c *sequencer.Command) error {
	if seen == 0 {
		return contract.BadParameter("changed_seq", "changed_seq is missing: the sale's, as you saw it, so that a request which is repeated changes it once")
	}
	view, err := p.sale(x)
	if err != nil {
		return err
	}
	if view.ChangedSeq < seen { // this replica may be behind the one that the seller saw
		if err := p.catchUp(x); err != nil {
			return err
		}
		if view, err = p.sale(x); err != nil {
			return err
		}
	}
	if view.ChangedSeq != seen {
		return contract.NewProblem(contract.SaleChanged, fmt.Sprintf("its newest change is changed_seq %d, by %q", view.ChangedSeq, view.ChangedBy))
	}
	c.Sale, c.Revision = view.Number, view.Revision
	return p.changeAndShow(x, c)
}

// changeAttemptsMax bounds how often a change is made again because others changed
// the sale meanwhile.
const changeAttemptsMax = 5

// changeSale answers PATCH /v1/sales/{id}. The quantity alone is a change by so
// many tickets, which may come at any time; everything else replaces the spec. The
// log takes it for the revision that was read only, so that two sellers who set a
// quantity at once, at whatever nodes, do not add up.
func (p *Private) changeSale(x *exchange) error {
	var wanted contract.SaleChange
	if err := x.decode(&wanted); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		if err := p.catchUp(x); err != nil {
			return err
		}
		view, err := p.sale(x)
		if err != nil {
			return err
		}
		err = p.changeOnce(x, view, wanted)
		if attempt == changeAttemptsMax || !errors.Is(err, contract.ErrSaleChanged) {
			return err
		}
	}
}

func (p *Private) changeOnce(x *exchange, view *sequencer.SaleView, wanted contract.SaleChange) error {
	quantity := wanted.Quantity
	wanted.Quantity = nil
	if wanted != (contract.SaleChange{}) {
		wanted.Quantity = quantity
		return p.updateSpec(x, view, &wanted)
	}
	if quantity == nil {
		return contract.NewProblem(contract.BadRequest, "the body names no field to change")
	}
	if *quantity == view.Quantity {
		return x.ok(contract.DetailOf(view, x.started.UnixNano()))
	}
	return p.changeAndShow(x, &sequencer.Command{Kind: sequencer.KindSaleQuantity, Sale: view.Number, Revision: view.Revision,
		Amount: int64(*quantity) - int64(view.Quantity)})
}

func (p *Private) updateSpec(x *exchange, view *sequencer.SaleView, wanted *contract.SaleChange) error {
	if err := x.checkStart(wanted.StartsAt); err != nil {
		return err
	}
	spec := view.SaleSpec
	replace(&spec.Item, wanted.Item)
	replace(&spec.Quantity, wanted.Quantity)
	replace(&spec.Cap, wanted.Cap)
	replace(&spec.Waitlist, wanted.Waitlist)
	replace(&spec.Price, wanted.Price)
	replace(&spec.Currency, wanted.Currency)
	replace(&spec.SkipUnfit, wanted.SkipUnfit)
	replace(&spec.BuysPerSecond, wanted.BuysPerSecond)
	replace(&spec.Zone, wanted.Zone)
	if wanted.StartsAt != nil {
		spec.StartsAt = logTime(*wanted.StartsAt)
	}
	if wanted.Hold != nil {
		spec.Hold = int64(*wanted.Hold)
	}
	if wanted.PromotedHold != nil {
		spec.PromotedHold = int64(*wanted.PromotedHold)
	}
	if wanted.Grace != nil {
		spec.Grace = int64(*wanted.Grace)
	}
	replace(&spec.ExpiredHoldsMax, wanted.ExpiredHoldsMax)
	if wanted.CoolDown != nil {
		spec.CoolDown = int64(*wanted.CoolDown)
	}
	if err := validateSpec(&spec, wanted.StartsAt); err != nil {
		return err
	}
	if spec.Price != view.Price || spec.Currency != view.Currency || spec.Cap > view.Cap {
		if err := p.checkPrice(&spec); err != nil {
			return err
		}
	}
	c := sequencer.Command{Kind: sequencer.KindSaleUpdate, Sale: view.Number, Revision: view.Revision, Body: sequencer.AppendSaleSpec(nil, &spec)}
	return p.changeAndShow(x, &c)
}

func replace[T any](field, wanted *T) {
	if wanted != nil {
		*field = *wanted
	}
}

// changeAndShow decides a change and answers with the sale as it is then.
func (p *Private) changeAndShow(x *exchange, c *sequencer.Command) error {
	if _, err := p.decide(x, c); err != nil {
		return p.whatIsAllowed(err, x.request.PathValue("id"))
	}
	return p.showSale(x)
}

// whatIsAllowed adds to the refusal of a change what would have been taken.
func (p *Private) whatIsAllowed(err error, id string) error {
	var problem *contract.Problem
	if !errors.As(err, &problem) {
		return err
	}
	switch {
	case errors.Is(err, contract.ErrSaleStarted):
		problem.Detail = "of a sale that has started waitlist, hold, promoted_hold, skip_unfit, expired_holds_max, cool_down and zone may change, quantity alone, and price and currency while nobody holds tickets, waits or ever began to pay"
	case errors.Is(err, contract.ErrInvalidQuantity):
		if v, known := p.backend.SaleByID(id); known {
			taken := v.Sold + v.Held + v.Withheld
			problem.Detail = fmt.Sprintf("%d tickets are sold, held or withheld; allowed are %d to %d", taken, max(taken, 1), sequencer.TicketsMax)
		}
	}
	return err
}
