package payment_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// stalled is a node whose beginnings hang, and are given up then: they may be committed. What
// it returns with the error is no decision of theirs.
type stalled struct {
	*paymenttest.Node
	gone chan struct{}
	why  error
}

func (n *stalled) Decide(c *sequencer.Command) (sequencer.Result, error) {
	if c.Kind != sequencer.KindPayBegin || n.why == nil {
		return n.Node.Decide(c)
	}
	<-n.gone
	return sequencer.Result{Seq: 1, Order: 1, Attempt: 1, State: sequencer.StatePaid}, n.why
}

// Who joined an attempt of which nobody can say whether it began hears just that, and who
// joined one that was not taken that it was not.
func TestJoinedABeginningThatFails(t *testing.T) {
	for _, why := range []error{sequencer.ErrOutcomeUnknown, sequencer.ErrNoLeader} {
		synctest.Test(t, func(t *testing.T) {
			n := &stalled{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), gone: make(chan struct{}), why: why}
			d := payment.NewDesk(paymenttest.QuickConfig(), n, newBooks(t))
			t.Cleanup(func() { _ = d.Close() })
			seq := n.Buy(t, "ann")
			told := make(chan error, 2)
			for range 2 {
				go func() {
					answer, err := d.Pay(context.Background(), payment.Request{Order: seq, Sale: 1, User: "ann", Method: "tok_accept"})
					if err == nil {
						t.Errorf("told is %+v", answer)
					}
					told <- err
				}()
				synctest.Wait()
			}
			close(n.gone)
			for range 2 {
				if err := <-told; !errors.Is(err, why) {
					t.Errorf("told is %v, not %v", err, why)
				}
			}
		})
	}
}
