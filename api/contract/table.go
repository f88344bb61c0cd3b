package contract

import (
	"errors"
	"fmt"
	"net/http"

	"onsale/internal/ticket"
	"onsale/payment"
	"onsale/sequencer"
)

// Kind is a kind of protocol error. It indexes the table.
type Kind uint8

// The kinds of protocol errors.
const (
	Internal Kind = iota
	BadRequest
	SaleRequired
	TokenRevoked
	Unauthorized
	Forbidden
	ChallengeRequired
	NotFound
	UnknownSale
	UnknownOrder
	MethodNotAllowed
	RequestTimeout
	NotCancellable
	SaleExists
	SaleShared
	SaleStarted
	SaleClosed
	SaleLimit
	InvalidQuantity
	NotPaid
	NotFailed
	NotUnsettled
	StaleAttempt
	AmountMismatch
	UnknownTicket
	AccountInUse
	AccountLimit
	CopiedOrder
	NotOrphan
	SaleChanged
	JournalIncomplete
	ClusterRefused
	HistoryCut
	FeedGone
	BodyTooLarge
	URITooLong
	UnknownHost
	UnsupportedMediaType
	KeyReused
	Throttled
	TooManyOpen
	HeadersTooLarge
	TimelineBusy
	Overloaded
	NoLeader
	Stopping
	Superseded
	StorageLow
	Behind
	OutcomeUnknown
	UnsupportedVersion
	PaymentsOff
	TicketsOff
	ProviderSilent
	ProviderAccount
	BadNotice
	ExpectationFailed
	AuditLogFailed
	PseudonymKey
	// KindCount is the number of kinds.
	KindCount
)

// Errors that only the HTTP API speaks of; the others are the sequencer's.
var (
	// ErrInternal is returned when the server has a bug.
	ErrInternal = errors.New("internal error")
	// ErrBadRequest is returned when a request is malformed or breaks a bound.
	ErrBadRequest = errors.New("bad request")
	// ErrSaleRequired is returned when a buy names no sale and there is not
	// exactly one that it could mean.
	ErrSaleRequired = errors.New("the sale must be named")
	// ErrUnauthorized is returned when the token is missing or not valid.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrTokenRevoked is returned when the token was valid and has been taken back. It is an
	// ErrUnauthorized, and comes before that in the table.
	ErrTokenRevoked = fmt.Errorf("%w: the token was revoked", ErrUnauthorized)
	// ErrForbidden is returned when a valid token lacks the role.
	ErrForbidden = errors.New("forbidden")
	// ErrChallengeRequired is returned when a buy must show that a challenge was
	// solved: get one at /v1/challenge.
	ErrChallengeRequired = errors.New("a solved challenge is required")
	// ErrNotFound is returned when there is no such route.
	ErrNotFound = errors.New("not found")
	// ErrUnknownSale is returned when there is no sale with that id.
	ErrUnknownSale = errors.New("unknown sale")
	// ErrUnknownOrder is returned when the caller has no order with that uid.
	ErrUnknownOrder = errors.New("unknown order")
	// ErrMethodNotAllowed is returned when the route has no such method.
	ErrMethodNotAllowed = errors.New("method not allowed")
	// ErrRequestTimeout is returned when a request did not arrive in time.
	ErrRequestTimeout = errors.New("the request took too long to arrive")
	// ErrNotCancellable is returned when the order is paying, paid or final.
	ErrNotCancellable = errors.New("the order cannot be cancelled")
	// ErrSaleExists is returned when a sale's id is taken.
	ErrSaleExists = errors.New("the sale exists")
	// ErrSaleShared is returned when several clusters have a sale with the same id.
	ErrSaleShared = errors.New("the sale is on several clusters")
	// ErrSaleStarted is returned when a sale can no longer be changed.
	ErrSaleStarted = errors.New("the sale has started")
	// ErrSaleClosed is returned when a sale is closed for good.
	ErrSaleClosed = errors.New("the sale is closed")
	// ErrSaleLimit is returned when the cluster has as many sales as it can.
	ErrSaleLimit = errors.New("too many sales")
	// ErrInvalidQuantity is returned when a sale cannot have so many tickets, or an order has
	// fewer than are given back.
	ErrInvalidQuantity = errors.New("invalid quantity")
	// ErrNotPaid is returned when an order to refund was never paid.
	ErrNotPaid = errors.New("the order is not paid")
	// ErrNotFailed is returned when no refund of an order has failed for good.
	ErrNotFailed = errors.New("no refund of the order has failed")
	// ErrNotUnsettled is returned when there is nothing about an order's money that an operator
	// can say.
	ErrNotUnsettled = errors.New("nothing of the order's money is unsettled so")
	// ErrStaleAttempt is returned when an operator's word is about an attempt to pay, and the order
	// has a newer one.
	ErrStaleAttempt = errors.New("the order has a newer attempt to pay")
	// ErrAmountMismatch is returned when an operator's word is about another amount than what it
	// names has.
	ErrAmountMismatch = errors.New("the order's money is another amount")
	// ErrUnknownTicket is returned when a refund names a ticket that the order does not have, or
	// that is revoked.
	ErrUnknownTicket = errors.New("the order has no such ticket")
	// ErrAccountInUse is returned when the provider itself can be asked about an order's money.
	ErrAccountInUse = errors.New("the order's money is under the accepted account")
	// ErrAccountLimit is returned when the cluster has had as many accounts as it can.
	ErrAccountLimit = errors.New("too many accounts")
	// ErrSaleChanged is returned when others keep changing a sale meanwhile.
	ErrSaleChanged = errors.New("the sale changed meanwhile")
	// ErrJournalIncomplete is returned when a node's journal begins behind the
	// beginning of a sale, so that it cannot tell the sale's course.
	ErrJournalIncomplete = errors.New("the journal does not have the sale's beginning")
	// ErrTimelineBusy is returned when a node makes a timeline already, or cannot
	// make one in time.
	ErrTimelineBusy = errors.New("no timeline can be made now")
	// ErrClusterRefused is returned when a step of the cluster's administration
	// is not safe or makes no sense now.
	ErrClusterRefused = errors.New("the cluster refuses this step")
	// ErrAuditLogFailed is returned when a verb is not done because the process cannot write down
	// that it is.
	ErrAuditLogFailed = errors.New("the audit log cannot be written")
	// ErrPseudonymKey is returned when the process does not have the key under which the buyers of a
	// sale are known.
	ErrPseudonymKey = errors.New("the key of the sale's pseudonyms is missing here")
	// ErrHistoryCut is returned when a position is of a history that a restore has ended.
	ErrHistoryCut = errors.New("the position is of another history")
	// ErrFeedGone is returned when a feed is asked for behind a place whose blocks the node does not
	// have; another node may. The problem's oldest is the cursor from which on this one has all.
	ErrFeedGone = errors.New("the feed does not reach back so far here")
	// ErrBodyTooLarge is returned when a body is over its bound.
	ErrBodyTooLarge = errors.New("body too large")
	// ErrURITooLong is returned when a request's target is over its bound.
	ErrURITooLong = errors.New("request target too long")
	// ErrUnknownHost is returned when a request to the private listener is for a host of
	// another name.
	ErrUnknownHost = errors.New("unknown host")
	// ErrUnsupportedMediaType is returned when a body is not JSON.
	ErrUnsupportedMediaType = errors.New("unsupported media type")
	// ErrKeyReused is returned when an idempotency key has an order that another request
	// asked for.
	ErrKeyReused = errors.New("idempotency key was used for another request")
	// ErrThrottled is returned when the caller sends too many requests.
	ErrThrottled = errors.New("throttled")
	// ErrTooManyOpen is returned when a user has as many long polls or event streams open
	// as one may have.
	ErrTooManyOpen = errors.New("too many are open")
	// ErrHeadersTooLarge is returned when the header is over its bounds.
	ErrHeadersTooLarge = errors.New("header too large")
	// ErrExpectationFailed is returned when a request expects what is not done.
	ErrExpectationFailed = errors.New("expectation failed")
	// ErrUnsupportedVersion is returned when the request is not HTTP/1.0 or 1.1.
	ErrUnsupportedVersion = errors.New("unsupported HTTP version")
)

// Entry is one row of the table.
type Entry struct {
	Status int    // HTTP status
	Code   string // stable machine code
	Title  string // what it means, for people
	Retry  bool   // the same request may be sent again later
	Err    error  // compared with errors.Is, on both sides
}

// table maps every kind to its row. The order is the constants'.
var table = [KindCount]Entry{
	Internal:             {http.StatusInternalServerError, "internal", "The server has a bug", false, ErrInternal},
	BadRequest:           {http.StatusBadRequest, "bad-request", "The request is malformed", false, ErrBadRequest},
	SaleRequired:         {http.StatusBadRequest, "sale-required", "The sale must be named", false, ErrSaleRequired},
	TokenRevoked:         {http.StatusUnauthorized, "token-revoked", "The token was revoked", false, ErrTokenRevoked},
	Unauthorized:         {http.StatusUnauthorized, "unauthorized", "A valid token is required", false, ErrUnauthorized},
	Forbidden:            {http.StatusForbidden, "forbidden", "The token lacks the role", false, ErrForbidden},
	ChallengeRequired:    {http.StatusForbidden, "challenge-required", "A solved challenge is required", false, ErrChallengeRequired},
	NotFound:             {http.StatusNotFound, "not-found", "There is no such resource", false, ErrNotFound},
	UnknownSale:          {http.StatusNotFound, "unknown-sale", "There is no such sale", false, ErrUnknownSale},
	UnknownOrder:         {http.StatusNotFound, "unknown-order", "You have no such order", false, ErrUnknownOrder},
	MethodNotAllowed:     {http.StatusMethodNotAllowed, "method-not-allowed", "The resource has no such method", false, ErrMethodNotAllowed},
	RequestTimeout:       {http.StatusRequestTimeout, "request-timeout", "The request took too long to arrive", true, ErrRequestTimeout},
	NotCancellable:       {http.StatusConflict, "not-cancellable", "The order cannot be cancelled any more", false, ErrNotCancellable},
	SaleExists:           {http.StatusConflict, "sale-exists", "A sale with this id exists", false, ErrSaleExists},
	SaleShared:           {http.StatusConflict, "sale-shared", "Several clusters have a sale with this id", false, ErrSaleShared},
	SaleStarted:          {http.StatusConflict, "sale-started", "The sale has started and cannot be changed", false, ErrSaleStarted},
	SaleClosed:           {http.StatusConflict, "sale-closed", "The sale is closed for good", false, ErrSaleClosed},
	SaleLimit:            {http.StatusConflict, "sale-limit", "The cluster has as many sales as it can", false, ErrSaleLimit},
	InvalidQuantity:      {http.StatusConflict, "invalid-quantity", "There cannot be this many tickets", false, ErrInvalidQuantity},
	NotPaid:              {http.StatusConflict, "not-paid", "The order is not paid", false, ErrNotPaid},
	NotFailed:            {http.StatusConflict, "not-failed", "No refund of the order has failed", false, ErrNotFailed},
	NotUnsettled:         {http.StatusConflict, "not-unsettled", "Nothing of the order's money waits for that word", false, ErrNotUnsettled},
	StaleAttempt:         {http.StatusConflict, "stale-attempt", "The order has a newer attempt to pay", false, ErrStaleAttempt},
	AmountMismatch:       {http.StatusConflict, "amount-mismatch", "The order's money is another amount", false, ErrAmountMismatch},
	UnknownTicket:        {http.StatusNotFound, "unknown-ticket", "The order has no such ticket, or not any more", false, ErrUnknownTicket},
	AccountInUse:         {http.StatusConflict, "account-in-use", "The payment provider can be asked about the order's money", false, ErrAccountInUse},
	AccountLimit:         {http.StatusConflict, "account-limit", "The cluster has had as many accounts as it can", false, ErrAccountLimit},
	CopiedOrder:          {http.StatusConflict, "copied-order", "The order was sold by the cluster that this one is a copy of", false, payment.ErrForeign},
	NotOrphan:            {http.StatusConflict, "not-orphan", "This is no charge of an order that is lost", false, payment.ErrNotOrphan},
	SaleChanged:          {http.StatusConflict, "sale-changed", "The sale was changed by others meanwhile", true, ErrSaleChanged},
	JournalIncomplete:    {http.StatusConflict, "journal-incomplete", "This node's journal does not have the sale's beginning; ask another node", false, ErrJournalIncomplete},
	ClusterRefused:       {http.StatusConflict, "cluster-refused", "The cluster refuses this step", false, ErrClusterRefused},
	HistoryCut:           {http.StatusGone, "history-cut", "The position is of a history that was ended by a restore", false, ErrHistoryCut},
	FeedGone:             {http.StatusGone, "feed-gone", "The feed does not reach back so far on this node; ask another", false, ErrFeedGone},
	BodyTooLarge:         {http.StatusRequestEntityTooLarge, "body-too-large", "The body is too large", false, ErrBodyTooLarge},
	URITooLong:           {http.StatusRequestURITooLong, "uri-too-long", "The request target is too long", false, ErrURITooLong},
	UnknownHost:          {http.StatusMisdirectedRequest, "unknown-host", "The request is for another host", false, ErrUnknownHost},
	UnsupportedMediaType: {http.StatusUnsupportedMediaType, "unsupported-media-type", "The body must be JSON", false, ErrUnsupportedMediaType},
	KeyReused:            {http.StatusUnprocessableEntity, "key-reused", "The idempotency key was used for another request", false, ErrKeyReused},
	Throttled:            {http.StatusTooManyRequests, "throttled", "Too many requests", true, ErrThrottled},
	TooManyOpen:          {http.StatusTooManyRequests, "too-many-open", "This user has as many long polls or event streams open as may be", true, ErrTooManyOpen},
	HeadersTooLarge:      {http.StatusRequestHeaderFieldsTooLarge, "headers-too-large", "The header is too large", false, ErrHeadersTooLarge},
	TimelineBusy:         {http.StatusServiceUnavailable, "timeline-busy", "The node makes one timeline at a time", true, ErrTimelineBusy},
	Overloaded:           {http.StatusServiceUnavailable, "overloaded", "Too many requests are waiting; yours has no place in line", true, sequencer.ErrOverloaded},
	NoLeader:             {http.StatusServiceUnavailable, "no-leader", "No leader can be reached; your request has no place in line", true, sequencer.ErrNoLeader},
	Stopping:             {http.StatusServiceUnavailable, "stopping", "This node is shutting down; your request has no place in line", true, sequencer.ErrStopping},
	Superseded:           {http.StatusServiceUnavailable, "superseded", "Another cluster has succeeded this node's; your request has no place in line", true, sequencer.ErrSuperseded},
	StorageLow:           {http.StatusServiceUnavailable, "storage-low", "The disks are nearly full and keep the rest for payments; your request has no place in line", true, sequencer.ErrStorageLow},
	Behind:               {http.StatusServiceUnavailable, "behind", "This replica has not reached that position yet", true, sequencer.ErrBehind},
	OutcomeUnknown:       {http.StatusGatewayTimeout, "outcome-unknown", "The outcome is unknown: retry with the same Idempotency-Key", false, sequencer.ErrOutcomeUnknown},
	UnsupportedVersion:   {http.StatusHTTPVersionNotSupported, "unsupported-version", "Only HTTP/1.1 and HTTP/1.0 are served", false, ErrUnsupportedVersion},
	PaymentsOff:          {http.StatusNotImplemented, "payments-off", "This cluster takes no payments", false, payment.ErrOff},
	TicketsOff:           {http.StatusNotImplemented, "tickets-off", "This cluster signs no tickets", false, ticket.ErrOff},
	ProviderSilent:       {http.StatusBadGateway, "payment-provider-silent", "The payment provider does not answer", true, payment.ErrNoAnswer},
	ProviderAccount:      {http.StatusServiceUnavailable, "provider-account", "Payments wait for the operator: the payment provider's account was changed", true, payment.ErrOtherAccount},
	BadNotice:            {http.StatusBadRequest, "bad-notice", "This is not a notice of the payment provider", false, payment.ErrNotice},
	AuditLogFailed:       {http.StatusServiceUnavailable, "audit-log-failed", "The audit log cannot be written, and the verb was not done", true, ErrAuditLogFailed},
	PseudonymKey:         {http.StatusServiceUnavailable, "pseudonym-key", "This process lacks the key under which the sale knows its buyers; another one may have it", true, ErrPseudonymKey},
	ExpectationFailed:    {http.StatusExpectationFailed, "expectation-failed", "What the request expects is not done", false, ErrExpectationFailed},
}

// Entry returns the kind's row of the table.
func (k Kind) Entry() Entry { return table[k] }

// KindOf returns the kind of an error; Internal for one that is not in the table.
func KindOf(err error) Kind {
	for kind := range table {
		if errors.Is(err, table[kind].Err) {
			return Kind(kind)
		}
	}
	return Internal
}

// kindOfCode returns the kind with a machine code; false for one that a newer
// server made up.
func kindOfCode(code string) (Kind, bool) {
	for kind := range table {
		if table[kind].Code == code {
			return Kind(kind), true
		}
	}
	return Internal, false
}

// KindOfDecision returns the kind of a decision that is answered with a protocol
// error; false for one that is an outcome of the sale (sold_out, …).
func KindOfDecision(code sequencer.Code) (Kind, bool) {
	switch code {
	case sequencer.CodeBadRequest:
		return BadRequest, true
	case sequencer.CodeUnknownSale:
		return UnknownSale, true
	case sequencer.CodeUnknownOrder:
		return UnknownOrder, true
	case sequencer.CodeKeyReused:
		return KeyReused, true
	case sequencer.CodeNotCancellable:
		return NotCancellable, true
	case sequencer.CodeNotPaid:
		return NotPaid, true
	case sequencer.CodeNotFailed:
		return NotFailed, true
	case sequencer.CodeNotUnsettled:
		return NotUnsettled, true
	case sequencer.CodeStaleAttempt:
		return StaleAttempt, true
	case sequencer.CodeAmountMismatch:
		return AmountMismatch, true
	case sequencer.CodeUnknownTicket:
		return UnknownTicket, true
	case sequencer.CodeAccountInUse:
		return AccountInUse, true
	case sequencer.CodeAccountLimit:
		return AccountLimit, true
	case sequencer.CodeSaleExists:
		return SaleExists, true
	case sequencer.CodeSaleStarted:
		return SaleStarted, true
	case sequencer.CodeSaleLimit:
		return SaleLimit, true
	case sequencer.CodeSaleChanged:
		return SaleChanged, true
	case sequencer.CodeInvalidQuantity:
		return InvalidQuantity, true
	}
	return Internal, false
}
