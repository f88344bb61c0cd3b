package feed

import (
	"strings"

	"onsale/api/contract"
	"onsale/sequencer"
)

// eventOf makes an event of a step of a block.
func (s *Service) eventOf(b *block, t *told) contract.FeedEvent {
	data := contract.FeedData{Sale: t.sale(), Order: t.uid, UserID: t.user, Reference: t.reference, Requested: t.requested}
	if t.event != nil {
		data.OrderEvent = contract.EventOf(&b.Decisions, t.event)
	} else {
		data.OrderEvent = contract.DecisionOf(&b.Decisions, t.command, t.result)
		t.ofCommand(&data)
	}
	e := contract.FeedEvent{SpecVersion: contract.FeedSpecVersion, ID: cursor{b.at, t.place}.String(), Source: b.source,
		Type: contract.FeedTypePrefix + t.name + contract.FeedTypeSuffix, Subject: data.Order, Time: data.Time,
		DataContentType: contract.DecisionMediaType, Seq: data.Seq, Data: data}
	if e.Subject == "" {
		e.Subject = data.Sale
	}
	return e
}

// sale returns the id of the sale.
func (t *told) sale() string { return t.facts.sale }

// ofCommand adds what the command says and an order's history does not.
func (t *told) ofCommand(data *contract.FeedData) {
	c := t.command
	switch {
	case c.Kind == sequencer.KindBuy && t.uid == "":
		data.UserID, data.Reference, data.Requested = string(c.User), string(c.Reference), c.Quantity
	case c.Kind == sequencer.KindBirth:
		data.Cause = sequencer.BirthCause(c.Count).String()
	case isOfSale(t.name):
		data.Amount = c.Amount
	case data.Amount != 0:
		data.Currency = t.currency
	}
}

func isOfSale(name string) bool { return strings.HasPrefix(name, "sale.") }
