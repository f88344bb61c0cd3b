package payment_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// methods are what buyers pay with; some more often.
var methods = []string{
	"tok_accept", "tok_accept", "tok_accept", "tok_double_webhook", "tok_decline", "nonsense", "tok_lost",
	"tok_delay_100ms", "tok_delay_500ms", "tok_late_50ms", "tok_late_200ms", "tok_late_800ms", "tok_never",
	"tok_refund_fails_100ms", "tok_refund_fails_100ms", "tok_3ds", "tok_3ds", "tok_3ds_passes_200ms", "tok_3ds_fails_200ms",
}

// step does one thing of the script.
func (p *play) step() {
	switch luck := p.script.IntN(100); {
	case luck < 25:
		p.buy()
	case luck < 65:
		p.pay()
	case luck < 67:
		p.command(sequencer.KindCancel, p.any(), 0)
	case luck < 68:
		p.command(sequencer.KindCancel, p.any(), uint8(1+p.script.IntN(2)))
	case luck < 70:
		p.command(sequencer.KindRefund, p.any(), 0)
	case luck < 73:
		p.refundPart()
	case luck == 73 && p.script.IntN(4) == 0:
		sale := p.sales[p.script.IntN(len(p.sales))]
		p.cluster.Must(&sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: sale})
		p.note("sale cancelled")
	case luck == 73:
		p.authenticate(p.script.IntN(3) > 0)
	case luck < 78:
		p.elect(p.script)
	case luck < 84:
		p.cluster.Hear()
	case luck < 86:
		p.note("died")
		p.die(p.life(p.script.IntN(playReplicas)), p.script)
	case luck < 89:
		p.lapse()
	case luck < 91:
		p.outage.Store(!p.outage.Load())
	case luck < 93:
		p.forge()
	case luck < 97:
		p.wrongWord()
	case luck < 98:
		p.burst()
	default:
		time.Sleep(upTo(p.script, time.Second))
	}
}

func (p *play) user(order int) string { return fmt.Sprint("user ", order%17) }

// buy makes an order.
func (p *play) buy() uint64 {
	c := sequencer.Command{Kind: sequencer.KindBuy, Sale: p.sales[p.script.IntN(len(p.sales))]}
	c.Quantity, c.User = uint8(1+p.script.IntN(3)), []byte(p.user(len(p.orders)))
	result := p.cluster.Must(&c)
	if result.Code != sequencer.CodeOK {
		p.note("not sold")
		return 0
	}
	p.orders = append(p.orders, result.Order)
	if c.Quantity > 1 && p.script.IntN(6) == 0 {
		p.command(sequencer.KindCancel, result.Order, 1)
	}
	return result.Order
}

// any returns one of the orders, a new one more often; 0 when there is none.
func (p *play) any() uint64 {
	if len(p.orders) == 0 {
		return 0
	}
	from := p.script.IntN(len(p.orders))
	return p.orders[from+p.script.IntN(len(p.orders)-from)]
}

// command tells the log what a buyer or seller does with so many tickets of an order; 0 for all.
func (p *play) command(kind sequencer.Kind, order uint64, tickets uint8) {
	if order == 0 {
		return
	}
	c := sequencer.Command{Kind: kind, Order: order, Quantity: tickets}
	before := len(p.order(order).Parts)
	if kind == sequencer.KindCancel {
		c.User = []byte(p.order(order).User)
	}
	if result := p.cluster.Must(&c); result.Code != sequencer.CodeOK {
		return
	}
	p.note(kind.String())
	if len(p.order(order).Parts) > before {
		p.note(kind.String() + " of a part")
	}
}

// refundPart refunds a ticket of a paid order that has more, rather one that is not captured yet.
func (p *play) refundPart() {
	var paid []uint64
	for _, seq := range p.orders {
		if v := p.order(seq); v.State == sequencer.StatePaid && v.Quantity > 1 {
			paid = append(paid, seq)
			if v.CaptureDue {
				paid = append(paid, seq, seq, seq)
			}
		}
	}
	if len(paid) > 0 {
		p.cluster.Must(&sequencer.Command{Kind: sequencer.KindRefund, Order: paid[p.script.IntN(len(paid))], Quantity: 1})
		p.note("refund of a part")
	}
}

// pay lets some tabs of a buyer pay an order, at any node.
func (p *play) pay() {
	order := p.any()
	if order == 0 {
		return
	}
	view := p.order(order)
	for range 1 + p.script.IntN(2) {
		request := payment.Request{Order: order, Sale: view.Sale, User: view.User, Method: methods[p.script.IntN(len(methods))]}
		at, patience := p.script.IntN(2*playReplicas), 50*time.Millisecond+upTo(p.script, 5*time.Second)
		if leader := p.cluster.Leader(); at >= playReplicas && leader != nil {
			at = leader.ID() // most find it
		}
		p.tabs.Go(func() { p.payAt(p.life(at%playReplicas), request, patience) })
	}
}

func (p *play) payAt(l *life, request payment.Request, patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := l.desk.Pay(ctx, request)
	if l.Dead() {
		return // its answer did not leave it
	}
	for _, documented := range []error{sequencer.ErrNoLeader, sequencer.ErrOverloaded, sequencer.ErrOutcomeUnknown, sequencer.ErrBehind} {
		if errors.Is(err, documented) {
			p.note("pay: " + documented.Error())
			return
		}
	}
	if err != nil {
		p.t.Errorf("paying %+v: %v", request, err)
		return
	}
	p.note("pay: " + answer.Code.String() + " " + answer.State.String())
	if answer.NextAction != nil {
		p.note("sent to authenticate")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if answer.State == sequencer.StatePaid {
		p.told[request.Order] = answer.State
	}
}

// authenticate lets the buyers of open attempts complete them, or refuse.
func (p *play) authenticate(completes bool) {
	for _, e := range p.books.Entries() {
		if e.Phase != payment.RequiresAction {
			continue
		}
		if status, err := p.books.Find(context.Background(), e.Charge); err == nil && status.NextAction != nil {
			p.books.Authenticate(status.NextAction.ClientSecret, completes)
			p.note("authenticated")
		}
	}
}

// lapse lets an authorisation that was not captured end.
func (p *play) lapse() {
	for _, e := range p.books.Entries() {
		if e.Phase == payment.Authorised && p.script.IntN(2) == 0 && p.line.Lapse(context.Background(), e.Charge) {
			p.note("lapsed")
			return
		}
	}
}

// forge brings a webhook that the provider did not sign.
func (p *play) forge() {
	body := []byte(`{"key":"x"}`)
	signature := payment.Sign([]byte("another secret"), body, time.Now())
	l := p.life(p.script.IntN(playReplicas))
	err := l.desk.Notice("sandbox", signature, body)
	if err == nil || !errors.Is(err, payment.ErrNotice) && !errors.Is(err, sequencer.ErrNoLeader) {
		p.t.Errorf("a forged webhook: %v", err)
	}
	p.note("forged")
}

// wrongWord lets a live attempt be told as rejected, of which the provider says
// later that it has the money.
func (p *play) wrongWord() {
	for _, seq := range p.orders {
		v := p.order(seq)
		of := attemptOf{seq, v.Attempts}
		if v.State != sequencer.StatePaying || p.charge(of).Amount == 0 || p.phase(of) != payment.Authorised && p.phase(of) != payment.Processing {
			continue
		}
		p.cluster.Must(&sequencer.Command{Kind: sequencer.KindPayResult, Order: seq, Attempt: of.number, Outcome: sequencer.PayRejected})
		p.wrong = append(p.wrong, of)
		p.note("wrong word")
		return
	}
}

// tellWrongWords lets the provider say what it has. It gives up what it never decides.
func (p *play) tellWrongWords() {
	for _, of := range p.wrong {
		if p.phase(of) == payment.Processing {
			if _, err := p.books.Cancel(context.Background(), p.charge(of)); err != nil {
				p.t.Error(err)
			}
		}
		if p.phase(of) != payment.Authorised {
			continue
		}
		result := p.cluster.Must(&sequencer.Command{Kind: sequencer.KindPayResult, Order: of.order, Attempt: of.number, Outcome: sequencer.PayAccepted})
		if result.Code == sequencer.CodeLateSuccess && p.order(of.order).Attempts > of.number {
			p.note("an older attempt goes back")
		}
	}
}

// burst leaves more orders to the next leader than it has settlers.
func (p *play) burst() {
	for range 20 {
		order := p.buy()
		if order == 0 || p.order(order).State != sequencer.StateReserved {
			continue
		}
		amount := p.charge(attemptOf{order, 1}).Amount
		c := sequencer.Command{Kind: sequencer.KindPayBegin, Order: order, User: []byte(p.order(order).User), Amount: amount}
		if amount > 0 {
			c.Reference = []byte(paymenttest.Account)
		}
		if result := p.cluster.Must(&c); result.Code != sequencer.CodeOK || p.script.IntN(2) == 0 || amount == 0 {
			continue // the leader died before it asked the provider
		}
		method := methods[p.script.IntN(len(methods))]
		go func() { _, _ = p.books.Authorise(context.Background(), p.charge(attemptOf{order, 1}), method) }() // its answer is lost
	}
	p.elect(p.script)
	p.note("burst")
}

// refundLapsed does what the operator does with orders whose money cannot be captured.
func (p *play) refundLapsed() {
	var due []uint64
	p.cluster.Read(func(s sequencer.Reader) {
		for _, v := range s.Unsettled(0, 1<<20) {
			if v.State == sequencer.StatePaid {
				due = append(due, v.Seq)
			}
		}
	})
	for _, seq := range due {
		if p.phase(attemptOf{seq, p.order(seq).Attempts}) == payment.Cancelled {
			p.cluster.Must(&sequencer.Command{Kind: sequencer.KindRefund, Order: seq})
			p.note("refunded because it lapsed")
		}
	}
}
