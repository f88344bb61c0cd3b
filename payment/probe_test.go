package payment_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// closed is a provider whose books cannot be read while they are shut.
type closed struct {
	mute
	shut bool
}

func (p *closed) Ledger(ctx context.Context, cursor string, limit int) ([]payment.Entry, string, error) {
	if p.shut {
		return nil, "", errors.New("the books are shut")
	}
	return p.mute.Ledger(ctx, cursor, limit)
}

// What a process sees of its provider is what holds when it looks: who it speaks for, under which account charges
// are made, why it does not answer, and what came from it.
func TestProbe(t *testing.T) { synctest.Test(t, testProbe) }

func testProbe(t *testing.T) {
	config := sandbox.DefaultConfig()
	config.Account, config.Secrets = paymenttest.AccountID, [][]byte{[]byte("a secret")}
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer books.Close()
	n, provider := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), &closed{mute: mute{Provider: books}}
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, provider)
	want := payment.Probe{Name: "sandbox", Account: paymenttest.Account}
	look := func(when string) {
		t.Helper()
		if p := d.Probe(t.Context()); !reflect.DeepEqual(*p, want) {
			t.Errorf("%s: %+v, want %+v", when, *p, want)
		}
	}

	look("before the first charge")
	paymenttest.Pay(t, d, n.Buy(t, "ann"), "ann", "tok_accept")
	want.Accepted = paymenttest.Account
	look("after it")

	body := []byte(`{"key":"nobody's"}`)
	if err := d.Notice("sandbox", "t=1,v1=00", body); !errors.Is(err, payment.ErrNotice) {
		t.Error(err)
	}
	want.BadNotices = 1
	look("a webhook that nobody signed")
	at := time.Now().UTC()
	if err := d.Notice("sandbox", payment.Sign(config.Secrets[0], body, at), body); err != nil {
		t.Error(err)
	}
	time.Sleep(time.Minute)
	want.NoticeAt = &at
	look("a minute after a good one")

	provider.shut, want.Error = true, "the books are shut"
	look("its books do not open")
	provider.off.Store(true)
	want.Account, want.Error = "", "its account: dial tcp 10.0.0.1:8501: connect: connection refused"
	look("it does not say who it is")

	none := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, nil)
	if p := none.Probe(t.Context()); p != nil {
		t.Errorf("without a provider: %+v", p)
	}
}
