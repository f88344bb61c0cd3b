package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"onsale/api/contract"
	"onsale/payment"
)

// Seller speaks to the private listener of any node.
type Seller struct{ connection *connection }

// NewSeller returns a client of the private listener.
func NewSeller(config Config) (*Seller, error) {
	c, err := newConnection(config)
	if err != nil {
		return nil, err
	}
	return &Seller{c}, nil
}

// CreateSale creates a sale.
func (s *Seller) CreateSale(ctx context.Context, sale contract.NewSale) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, "/v1/sales", sale)
}

// Sales returns a page of the sales; limit 0 and cursor "" mean the server's default and the
// beginning.
func (s *Seller) Sales(ctx context.Context, limit int, cursor string) (*contract.SaleList, error) {
	return get[contract.SaleList](ctx, s.connection, "/v1/sales", pageQuery(limit, cursor))
}

// Sale returns one sale.
func (s *Seller) Sale(ctx context.Context, id string) (*contract.SaleDetail, error) {
	return get[contract.SaleDetail](ctx, s.connection, salePath(id), nil)
}

// ChangeSale changes a sale.
func (s *Seller) ChangeSale(ctx context.Context, id string, change contract.SaleChange) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPatch, salePath(id), change)
}

// PauseSale stops the buys of a sale, not its holds.
func (s *Seller) PauseSale(ctx context.Context, id string) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, salePath(id)+"/pause", nil)
}

// ResumeSale goes on after PauseSale.
func (s *Seller) ResumeSale(ctx context.Context, id string) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, salePath(id)+"/resume", nil)
}

// PauseSaleAsSeen pauses a sale whose newest change is changedSeq (SaleDetail.ChangedSeq) alone:
// repeated late it undoes nothing, and is contract.ErrSaleChanged.
func (s *Seller) PauseSaleAsSeen(ctx context.Context, id string, changedSeq uint64) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, salePath(id)+"/pause", contract.Seen{ChangedSeq: changedSeq})
}

// ResumeSaleAsSeen goes on after a pause, as PauseSaleAsSeen.
func (s *Seller) ResumeSaleAsSeen(ctx context.Context, id string, changedSeq uint64) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, salePath(id)+"/resume", contract.Seen{ChangedSeq: changedSeq})
}

// CloseSale ends the buying for good; what is reserved may still be paid.
func (s *Seller) CloseSale(ctx context.Context, id string) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, salePath(id)+"/close", nil)
}

// CancelSale ends a sale and its reservations for good.
func (s *Seller) CancelSale(ctx context.Context, id string) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, salePath(id)+"/cancel", nil)
}

// ReleaseTickets sells refunded tickets again, of a sale whose newest change is changedSeq
// (SaleDetail.ChangedSeq): repeated, it releases once, and is contract.ErrSaleChanged.
func (s *Seller) ReleaseTickets(ctx context.Context, id string, tickets int64, changedSeq uint64) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, salePath(id)+"/release", contract.Release{Tickets: tickets, ChangedSeq: changedSeq})
}

// ExtendHolds gives the live holds of a sale more time, once, as ReleaseTickets.
func (s *Seller) ExtendHolds(ctx context.Context, id string, by time.Duration, changedSeq uint64) (*contract.SaleDetail, error) {
	return s.change(ctx, http.MethodPost, salePath(id)+"/extend", contract.Extension{By: contract.Duration(by), ChangedSeq: changedSeq})
}

// Report sums a sale up.
func (s *Seller) Report(ctx context.Context, id string) (*contract.Report, error) {
	return get[contract.Report](ctx, s.connection, salePath(id)+"/report", nil)
}

// Timeline sums a sale up and tells its course. The node reads its whole journal
// for that, so the answer may take minutes: ctx bounds it, no other timeout does.
func (s *Seller) Timeline(ctx context.Context, id string) (*contract.SaleTimeline, error) {
	return get[contract.SaleTimeline](ctx, s.connection.patient(), salePath(id)+"/timeline", nil)
}

// RefundOrder takes a paid order back.
func (s *Seller) RefundOrder(ctx context.Context, uid string) (*contract.Order, error) {
	return s.order(ctx, uid, "refund", nil)
}

// WithdrawOrder cancels an order of any buyer that is not paid.
func (s *Seller) WithdrawOrder(ctx context.Context, uid string) (*contract.Order, error) {
	return s.withdraw(ctx, call{path: contract.CallbackPrefix + segment(uid)})
}

// WithdrawTickets takes some tickets of such an order back. A key takes them once, however often
// it is asked.
func (s *Seller) WithdrawTickets(ctx context.Context, uid string, tickets uint8, key string) (*contract.Order, error) {
	return s.withdraw(ctx, call{path: contract.CallbackPrefix + segment(uid), query: ticketsQuery(tickets), key: key})
}

func (s *Seller) withdraw(ctx context.Context, c call) (*contract.Order, error) {
	order := new(contract.Order)
	c.method, c.into = http.MethodDelete, order
	if _, err := s.connection.do(ctx, c); err != nil {
		return nil, err
	}
	return order, nil
}

// RefundTickets takes some tickets of a paid order back. A key refunds them once, however often
// it is asked.
func (s *Seller) RefundTickets(ctx context.Context, uid string, tickets uint8, key string) (*contract.Order, error) {
	order := new(contract.Order)
	_, err := s.connection.do(ctx, call{method: http.MethodPost, path: contract.CallbackPrefix + segment(uid) + "/refund", query: ticketsQuery(tickets), key: key, into: order})
	if err != nil {
		return nil, err
	}
	return order, nil
}

// RefundNamed takes the tickets of a paid order back that are named by their numbers, ascending.
// Keys as for RefundTickets.
func (s *Seller) RefundNamed(ctx context.Context, uid string, tickets []uint32, key string) (*contract.Order, error) {
	var names []string
	for _, number := range tickets {
		names = append(names, strconv.FormatUint(uint64(number), 10))
	}
	order := new(contract.Order)
	_, err := s.connection.do(ctx, call{method: http.MethodPost, path: contract.CallbackPrefix + segment(uid) + "/refund",
		query: url.Values{"tickets": {strings.Join(names, ",")}}, key: key, into: order})
	if err != nil {
		return nil, err
	}
	return order, nil
}

// AcknowledgeOrder says that it was seen that a refund of an order failed, and why that is as it
// should be. It may be repeated.
func (s *Seller) AcknowledgeOrder(ctx context.Context, uid string, word contract.Acknowledgement) (*contract.Order, error) {
	return s.order(ctx, uid, "acknowledge", word)
}

// SettleOrder says what became of money of an order that was charged under an account which nobody
// can ask any more. It may be repeated.
func (s *Seller) SettleOrder(ctx context.Context, uid string, word contract.Settlement) (*contract.Order, error) {
	return s.order(ctx, uid, "settle", word)
}

// AcceptAccount lets new charges be made under an account at the payment provider.
func (s *Seller) AcceptAccount(ctx context.Context, account, reason string) (*contract.Account, error) {
	accepted := new(contract.Account)
	_, err := s.connection.do(ctx, call{method: http.MethodPost, path: "/v1/payments/account", body: contract.AccountToAccept{Account: account, Reason: reason}, into: accepted})
	if err != nil {
		return nil, err
	}
	return accepted, nil
}

// order changes an order.
func (s *Seller) order(ctx context.Context, uid, verb string, body any) (*contract.Order, error) {
	order := new(contract.Order)
	_, err := s.connection.do(ctx, call{method: http.MethodPost, path: contract.CallbackPrefix + segment(uid) + "/" + verb, body: body, into: order})
	if err != nil {
		return nil, err
	}
	return order, nil
}

// Reconcile compares the payment provider's books with the orders.
func (s *Seller) Reconcile(ctx context.Context) (*payment.Reconciliation, error) {
	return get[payment.Reconciliation](ctx, s.connection.patient(), "/v1/payments/reconciliation", nil)
}

// Orphans returns the charges at the payment provider whose orders the cluster does not
// have.
func (s *Seller) Orphans(ctx context.Context) (*payment.Orphans, error) {
	return get[payment.Orphans](ctx, s.connection.patient(), "/v1/payments/orphans", nil)
}

// Disputes returns the charges that buyers' banks were asked to take back, the most urgent first.
func (s *Seller) Disputes(ctx context.Context) (*payment.Disputes, error) {
	return get[payment.Disputes](ctx, s.connection, "/v1/payments/disputes", nil)
}

// RefundOrphan gives the money of one of them back, by its key. It may be repeated.
func (s *Seller) RefundOrphan(ctx context.Context, key, reason string) (*payment.OrphanRefund, error) {
	record := new(payment.OrphanRefund)
	_, err := s.connection.patient().do(ctx, call{method: http.MethodPost, path: "/v1/payments/orphans/refund",
		body: contract.OrphanToRefund{Payment: key, Reason: reason}, into: record})
	if err != nil {
		return nil, err
	}
	return record, nil
}

// Node returns what the node says of itself, as JSON.
func (s *Seller) Node(ctx context.Context) (json.RawMessage, error) {
	status, err := get[json.RawMessage](ctx, s.connection, "/v1/node", nil)
	if err != nil {
		return nil, err
	}
	return *status, nil
}

// Cluster returns the cluster as the node sees it, as JSON.
func (s *Seller) Cluster(ctx context.Context) (json.RawMessage, error) {
	status, err := get[json.RawMessage](ctx, s.connection, "/v1/cluster", nil)
	if err != nil {
		return nil, err
	}
	return *status, nil
}

// Preflight returns the cluster as the node sees it, with what its members say of themselves the night
// before a sale, as JSON.
func (s *Seller) Preflight(ctx context.Context) (json.RawMessage, error) {
	asked, err := get[json.RawMessage](ctx, s.connection, "/v1/cluster/preflight", nil)
	if err != nil {
		return nil, err
	}
	return *asked, nil
}

// stepPatience bounds the wait for a step of administration: the nodes bound it themselves,
// and say why it was not made.
const stepPatience = time.Minute

// ClusterStep makes a step of administration and returns the cluster after it.
func (s *Seller) ClusterStep(ctx context.Context, step string, body any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, stepPatience)
	defer cancel()
	var status json.RawMessage
	_, err := s.connection.patient().do(ctx, call{method: http.MethodPost, path: "/v1/cluster/" + segment(step), body: body, into: &status})
	return status, err
}

// Snapshot writes a backup of the node to w.
func (s *Seller) Snapshot(ctx context.Context, w io.Writer) error {
	return s.connection.download(ctx, "/v1/snapshot", w)
}

func (s *Seller) change(ctx context.Context, method, path string, body any) (*contract.SaleDetail, error) {
	sale := new(contract.SaleDetail)
	if _, err := s.connection.do(ctx, call{method: method, path: path, body: body, into: sale}); err != nil {
		return nil, err
	}
	return sale, nil
}

func salePath(id string) string { return "/v1/sales/" + segment(id) }
