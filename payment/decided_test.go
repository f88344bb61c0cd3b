package payment_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// listened is a node whose commands are counted, and some of which fail.
type listened struct {
	*paymenttest.Node

	mu      sync.Mutex
	decided map[sequencer.Kind]int
	fails   map[sequencer.Kind]error
}

func (n *listened) Decide(c *sequencer.Command) (sequencer.Result, error) {
	n.mu.Lock()
	n.decided[c.Kind]++
	err := n.fails[c.Kind]
	n.mu.Unlock()
	if err != nil {
		return sequencer.Result{}, err
	}
	return n.Node.Decide(c)
}

func (n *listened) fail(kind sequencer.Kind, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fails[kind] = err
}

func (n *listened) count(kind sequencer.Kind) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.decided[kind]
}

func listenedDesk(t testing.TB) (*listened, *payment.Desk) {
	n := &listened{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), decided: map[sequencer.Kind]int{}, fails: map[sequencer.Kind]error{}}
	d := payment.NewDesk(paymenttest.QuickConfig(), n, newBooks(t))
	t.Cleanup(func() { _ = d.Close() })
	return n, d
}

// Who paid and whose outcome could not be committed is not told that it is: the payment is
// under way until it is.
func TestAnOutcomeThatIsNotCommittedIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, d := listenedDesk(t)
		seq := n.Buy(t, "ann")
		n.fail(sequencer.KindPayResult, sequencer.ErrOutcomeUnknown)
		answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept")
		if answer.Code != sequencer.CodePaymentInFlight || answer.State != sequencer.StatePaying || answer.Attempt != 1 {
			t.Errorf("told is %+v", answer)
		}
		n.fail(sequencer.KindPayResult, nil)
		paymenttest.Eventually(t, "it is paid", func() bool { return n.StateOf(seq) == sequencer.StatePaid })
		paymenttest.MustAgree(t, n.Node, d)
	})
}

// What nobody knows an outcome of is asked about, and nothing is committed of it.
func TestNothingIsCommittedWithoutAnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, d := listenedDesk(t)
		seq := n.Buy(t, "ann")
		paymenttest.Pay(t, d, seq, "ann", "tok_never")
		time.Sleep(paymenttest.QuickConfig().AbandonAfter / 2)
		synctest.Wait()
		if committed := n.count(sequencer.KindPayResult); committed != 0 || n.StateOf(seq) != sequencer.StatePaying {
			t.Errorf("%d outcomes were committed of an order that is %s", committed, n.StateOf(seq))
		}
	})
}

// What can be told without the log is told without it: that an order is somebody else's,
// and that somebody works on it.
func TestAnswersThatNeedNoDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, d := listenedDesk(t)
		seq := n.Buy(t, "ann")
		if answer := paymenttest.Pay(t, d, seq, "bob", "tok_accept"); answer.Code != sequencer.CodeUnknownOrder || answer.State != sequencer.StateNone {
			t.Errorf("a stranger is told %+v", answer)
		}
		other, err := d.Pay(t.Context(), payment.Request{Order: seq, Sale: 2, User: "ann", Method: "tok_accept"})
		if err != nil || other.Code != sequencer.CodeUnknownOrder {
			t.Errorf("in another sale: %+v, %v", other, err)
		}
		if begun := n.count(sequencer.KindPayBegin); begun != 0 {
			t.Errorf("%d attempts were begun", begun)
		}

		first := make(chan payment.Answer, 1)
		go func() { first <- paymenttest.Pay(t, d, seq, "ann", "tok_delay_100ms") }()
		time.Sleep(50 * time.Millisecond)
		for range 3 {
			answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept")
			if answer.Code != sequencer.CodePaymentInFlight || answer.Attempt != 1 || answer.State != sequencer.StatePaying {
				t.Errorf("meanwhile it is told %+v", answer)
			}
		}
		if begun := n.count(sequencer.KindPayBegin); begun != 1 {
			t.Errorf("%d attempts were begun", begun)
		}
		if answer := <-first; answer.State != sequencer.StatePaid {
			t.Errorf("the first is told %+v", answer)
		}
		synctest.Wait() // it is captured
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if again, err := d.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: "ann", Method: "tok_accept"}); err != nil || again.Code != sequencer.CodeAlreadyPaid {
			t.Errorf("again: %+v, %v", again, err)
		}
	})
}
