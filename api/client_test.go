package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

func (f *fixture) buyer(user string) *client.Client {
	f.t.Helper()
	c, err := client.New(client.Config{Address: f.public, Token: f.token(user), HTTP: f.client})
	must(f.t, err)
	return c
}

func (f *fixture) sellerClient() *client.Seller {
	f.t.Helper()
	s, err := client.NewSeller(client.Config{Address: "http://" + f.private, Token: f.token("@seller"), HTTP: f.client})
	must(f.t, err)
	return s
}

func TestClientOfBuyers(t *testing.T) {
	f, ctx := serve(t), context.Background()
	f.sale("gig", nil)
	ann := f.buyer("ann")
	d, err := ann.Buy(ctx, client.Purchase{Quantity: 2, Min: 1, Sale: "gig", Key: "k"})
	if err != nil || d.State != "reserved" || d.Replayed {
		t.Fatalf("buy: %+v %v", d, err)
	}
	if again, err := ann.Buy(ctx, client.Purchase{Quantity: 2, Min: 1, Sale: "gig", Key: "k"}); err != nil || !again.Replayed || again.Order != d.Order {
		t.Errorf("replay: %+v %v", again, err)
	}
	if refused, err := ann.Buy(ctx, client.Purchase{Quantity: 1}); err != nil || refused.Status != "fail" || refused.Reason != "cap_exceeded" {
		t.Errorf("refusal: %+v %v", refused, err)
	}
	if o, err := ann.Order(ctx, d.Order); err != nil || o.UID != d.Order {
		t.Errorf("order: %+v %v", o, err)
	}
	if page, err := ann.Orders(ctx, 1, ""); err != nil || len(page.Orders) != 1 || page.HasMore {
		t.Errorf("orders: %+v %v", page, err)
	}
	if o, err := ann.CancelOrder(ctx, d.Order); err != nil || o.State != "cancelled" {
		t.Errorf("cancel: %+v %v", o, err)
	}
	if page, err := ann.Tickets(ctx, 5, ""); err != nil || len(page.Tickets) != 1 {
		t.Errorf("tickets: %+v %v", page, err)
	}
	if sale, err := ann.Ticket(ctx, "gig"); err != nil || sale.UID != "gig" {
		t.Errorf("ticket: %+v %v", sale, err)
	}
}

func TestClientErrors(t *testing.T) {
	f, ctx := serve(t), context.Background()
	f.sale("gig", nil)
	ann := f.buyer("ann")
	buy := func() error { _, err := ann.Buy(ctx, client.Purchase{Quantity: 1}); return err }
	for _, want := range []error{sequencer.ErrOverloaded, sequencer.ErrStopping, sequencer.ErrOutcomeUnknown, sequencer.ErrNoLeader} {
		f.backend.set(func(b *testBackend) { b.fail = want })
		err := buy()
		problem, ok := errors.AsType[*contract.Problem](err)
		if !errors.Is(err, want) || !ok || problem.RetryAfter < time.Second {
			t.Errorf("%v came as %v", want, err)
		}
	}
	f.backend.set(func(b *testBackend) { b.fail = nil })
	_, err := ann.Order(ctx, "../..%2f")
	if !errors.Is(err, contract.ErrBadRequest) {
		t.Errorf("odd uid: %v", err)
	}
	if _, err = ann.Order(ctx, "0000000000000000"); !errors.Is(err, contract.ErrUnknownOrder) {
		t.Errorf("unknown order: %v", err)
	}
	if _, err = ann.Buy(ctx, client.Purchase{Quantity: 1, Sale: "none"}); !errors.Is(err, contract.ErrUnknownSale) {
		t.Errorf("unknown sale: %v", err)
	}
	stranger, err := client.New(client.Config{Address: f.public, HTTP: f.client})
	must(t, err)
	if _, err = stranger.Orders(ctx, 0, ""); !errors.Is(err, contract.ErrUnauthorized) {
		t.Errorf("no token: %v", err)
	}
	for _, address := range []string{"", "ftp://x", "http://", "a b"} {
		if _, err := client.New(client.Config{Address: address}); err == nil {
			t.Errorf("address %q is taken", address)
		}
	}
}

func TestClientOfSellers(t *testing.T) {
	f, ctx := serve(t), context.Background()
	seller := f.sellerClient()
	sale, err := seller.CreateSale(ctx, contract.NewSale{ID: "gig", Item: "Concert", Quantity: 5, Price: new(int64(5000)), Currency: "EUR"})
	if err != nil || sale.ID != "gig" {
		t.Fatalf("create: %+v %v", sale, err)
	}
	if _, err := seller.CreateSale(ctx, contract.NewSale{ID: "gig", Item: "Concert", Quantity: 5, Price: new(int64(0)), Currency: "EUR"}); !errors.Is(err, contract.ErrSaleExists) {
		t.Errorf("again: %v", err)
	}
	quantity := uint32(9)
	if sale, err = seller.ChangeSale(ctx, "gig", contract.SaleChange{Quantity: &quantity}); err != nil || sale.Quantity != 9 {
		t.Errorf("change: %+v %v", sale, err)
	}
	d := f.bought("ann", "?q=2")
	f.pay(d.Seq, 2)
	if o, err := seller.RefundOrder(ctx, d.Order); err != nil || o.State != "refunded" {
		t.Errorf("refund: %+v %v", o, err)
	}
	if sale, err = seller.ReleaseTickets(ctx, "gig", 2, sale.ChangedSeq); err != nil || sale.Available != 9 {
		t.Errorf("release: %+v %v", sale, err)
	}
	for _, step := range []struct {
		change func(context.Context, string) (*contract.SaleDetail, error)
		status string
	}{{seller.PauseSale, "paused"}, {seller.ResumeSale, "open"}, {seller.CloseSale, "closed"}, {seller.CancelSale, "cancelled"}, {seller.Sale, "cancelled"}} {
		if sale, err = step.change(ctx, "gig"); err != nil || sale.Status != step.status {
			t.Errorf("%s: %+v %v", step.status, sale, err)
		}
	}
	if list, err := seller.Sales(ctx, 0, ""); err != nil || len(list.Sales) != 1 {
		t.Errorf("list: %+v %v", list, err)
	}
	if report, err := seller.Report(ctx, "gig"); err != nil || report.Money.Refunded != 10000 {
		t.Errorf("report: %+v %v", report, err)
	}
	if node, err := seller.Node(ctx); err != nil || string(node) != `{"clusters":[],"id":"f1"}` {
		t.Errorf("node: %s %v", node, err)
	}
	if _, err := seller.PauseSale(ctx, "gig"); !errors.Is(err, contract.ErrSaleClosed) {
		t.Errorf("pause of a cancelled sale: %v", err)
	}
}

// TestClientOfSomethingElse says so when another server answers.
func TestClientOfSomethingElse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{Handler: http.NotFoundHandler()}
	served := make(chan struct{})
	go func() { _ = server.Serve(listener); close(served) }()
	defer func() { _ = server.Close(); <-served }()
	httpClient := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c, err := client.New(client.Config{Address: listener.Addr().String(), HTTP: httpClient})
	must(t, err)
	if _, err = c.Ticket(context.Background(), "gig"); err == nil {
		t.Error("another server's 404 is taken for an answer")
	}
}
