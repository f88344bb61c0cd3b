package api

import (
	"onsale/api/contract"
	"onsale/sequencer"
)

// route is a route as the metrics name it.
type route uint8

const (
	routeOther route = iota
	routeBuy
	routeTickets
	routeTicket
	routeOrders
	routeOrder
	routeCancel
	routeSaleCreate
	routeSaleUpdate
	routeSaleVerb
	routeSaleList
	routeSaleShow
	routeReport
	routeTimeline
	routeRefund
	routeWithdraw
	routeAcknowledge
	routeSettle
	routeAccount
	routeRefundShow
	routeSaleOrders
	routeOrderShow
	routeOrderHistory
	routeOrderTicket
	routeTicketKeys
	routeRevocations
	routeSaleTickets
	routeFeed
	routeNode
	routeCluster
	routePay
	routeWebhook
	routeReconcile
	routeDisputes
	routeOrphans
	routeOrphanRefund
	routeTicketEvents
	routeOrderEvents
	routeSaleEvents
	routeChallenge
	routeOpenAPI
	routeCount
)

var routeNames = [routeCount]string{"other", "buy", "tickets", "ticket", "orders", "order", "cancel", "sale_create", "sale_update", "sale_verb",
	"sale_list", "sale_show", "report", "timeline", "refund", "withdraw", "acknowledge", "settle", "account", "refund_show", "sale_orders", "order_show", "order_history", "order_ticket", "ticket_keys", "revocations", "sale_tickets", "feed", "node", "cluster", "pay", "webhook", "reconcile", "disputes", "orphans", "orphan_refund", "ticket_events", "order_events",
	"sale_events", "challenge", "openapi"}

// outcome is what a request came to, as the metrics name it: one of the
// constants, a decision's code, or a kind of problem.
type outcome uint8

const (
	outcomeOK outcome = iota
	outcomeReserved
	outcomeWaitlisted
	outcomeReplayed
	outcomeNotModified
	outcomePaid
	outcomeRejected
	outcomePending
	outcomeFirstCode outcome = 8
	outcomeFirstKind         = outcomeFirstCode + outcome(sequencer.CodeCount)
	outcomeCount             = outcomeFirstKind + outcome(contract.KindCount)
)

var outcomeNames = [...]string{"ok", "reserved", "waitlisted", "replayed", "not_modified", "paid", "rejected", "pending"}

func outcomeOfCode(code sequencer.Code) outcome { return outcomeFirstCode + outcome(code) }

func outcomeOfKind(kind contract.Kind) outcome { return outcomeFirstKind + outcome(kind) }

// kind returns the kind of problem; false when the outcome is a decision.
func (o outcome) kind() (contract.Kind, bool) {
	return contract.Kind(o - outcomeFirstKind), o >= outcomeFirstKind && o < outcomeCount
}

func (o outcome) String() string {
	switch kind, problem := o.kind(); {
	case problem:
		return kind.Entry().Code
	case o >= outcomeFirstCode:
		return sequencer.Code(o - outcomeFirstCode).String()
	case int(o) < len(outcomeNames):
		return outcomeNames[o]
	}
	return "unknown"
}
