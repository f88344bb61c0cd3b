package feed

import (
	"fmt"
	"strings"

	"onsale/api/contract"
	"onsale/sequencer"
)

// Types are those of all events, without contract.FeedTypePrefix and contract.FeedTypeSuffix.
var Types = []string{
	"order.reserved", "order.waitlisted", "order.promoted", "order.expired", "order.cancelled", "order.reduced",
	"order.paid", "order.refunded", "order.partly_refunded",
	"payment.begun", "payment.called", "payment.accepted", "payment.rejected", "payment.cancelled", "payment.unknown",
	"payment.late", "payment.captured", "payment.overdue", "payment.voided", "payment.returned", "payment.refund_failed",
	"payment.refund_acknowledged", "payment.disputed", "payment.settled",
	"sale.created", "sale.updated", "sale.paused", "sale.resumed", "sale.closed", "sale.cancelled", "sale.quantity_changed",
	"sale.tickets_released", "sale.holds_extended",
	"cluster.born", "cluster.level_raised", "cluster.outage_added", "cluster.holds_stopped", "cluster.holds_resumed",
	"cluster.account_accepted",
	refused,
}

// refused is told only to who asks for it: there may be a hundred times as many as all others.
const refused = "decision.refused"

var ofSales = map[sequencer.Kind]string{
	sequencer.KindSaleCreate: "sale.created", sequencer.KindSaleUpdate: "sale.updated", sequencer.KindSalePause: "sale.paused",
	sequencer.KindSaleResume: "sale.resumed", sequencer.KindSaleClose: "sale.closed", sequencer.KindSaleCancel: "sale.cancelled",
	sequencer.KindSaleQuantity: "sale.quantity_changed", sequencer.KindSaleRelease: "sale.tickets_released",
	sequencer.KindSaleExtend: "sale.holds_extended",
}

var ofClusters = map[sequencer.Kind]string{
	sequencer.KindBirth: "cluster.born", sequencer.KindLevel: "cluster.level_raised", sequencer.KindOutage: "cluster.outage_added",
	sequencer.KindHoldStop: "cluster.holds_stopped", sequencer.KindHoldGo: "cluster.holds_resumed",
	sequencer.KindAccept: "cluster.account_accepted",
}

var ofPayments = map[sequencer.Kind]string{
	sequencer.KindPayBegin: "payment.begun", sequencer.KindPayCalled: "payment.called", sequencer.KindPayCaptured: "payment.captured",
	sequencer.KindPayVoided: "payment.voided", sequencer.KindPayBounced: "payment.refund_failed",
	sequencer.KindAcknowledge: "payment.refund_acknowledged", sequencer.KindPayDisputed: "payment.disputed",
	sequencer.KindSettle: "payment.settled",
}

var ofOutcomes = map[sequencer.PayOutcome]string{
	sequencer.PayAccepted: "payment.accepted", sequencer.PayRejected: "payment.rejected", sequencer.PayCancelled: "payment.cancelled",
	sequencer.PayUnknown: "payment.unknown",
}

var ofEvents = map[sequencer.EventKind]string{
	sequencer.EventExpired: "order.expired", sequencer.EventPromoted: "order.promoted", sequencer.EventOverdue: "payment.overdue",
	sequencer.EventCancelled: "order.cancelled", sequencer.EventRefunded: "order.refunded",
}

// ofStates are what became of an order by a decision about its payment.
var ofStates = map[sequencer.OrderState]string{
	sequencer.StatePaid: "order.paid", sequencer.StateExpired: "order.expired", sequencer.StateCancelled: "order.cancelled",
}

// wanted are types that are asked for.
type wanted map[string]bool

// parseTypes reads patterns; none are all but refusals.
func parseTypes(patterns []string) (wanted, error) {
	types := wanted{}
	for _, name := range Types {
		types[name] = len(patterns) == 0 && name != refused
	}
	if len(patterns) > contract.FeedTypesMax {
		return nil, contract.BadParameter("types", fmt.Sprintf("types has %d patterns, at most %d are read", len(patterns), contract.FeedTypesMax))
	}
	for _, pattern := range patterns {
		name := strings.TrimSuffix(strings.TrimPrefix(pattern, contract.FeedTypePrefix), contract.FeedTypeSuffix)
		if !types.add(name) {
			return nil, contract.BadParameter("types", fmt.Sprintf("there is no type %.64q: give types as docs/feed.md has them, or order.*, payment.*, sale.*, cluster.*, decision.*", pattern))
		}
	}
	return types, nil
}

// add adds what a pattern means, and reports whether it means anything.
func (w wanted) add(pattern string) (known bool) {
	group, all := strings.CutSuffix(pattern, ".*")
	for _, name := range Types {
		if name == pattern || all && strings.HasPrefix(name, group+".") {
			w[name], known = true, true
		}
	}
	return known
}
