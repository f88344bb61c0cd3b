package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

// authenticateTime is after what a buyer comes back who was sent to authenticate, if at once.
const authenticateTime = 400 * time.Millisecond

// pay reports whether the order was paid, as the buyer was told.
func (s *shopper) pay(user, uid string) (paid bool) {
	method := methods[s.random.IntN(len(methods))]
	told, err := s.payBy(user, uid, method)
	if paid = err == nil && told.Status == contract.PaymentAccepted; paid || !strings.HasPrefix(method, "tok_3ds") {
		return paid
	}
	if s.random.IntN(2) == 0 { // others come back when the run ends
		time.Sleep(authenticateTime)
		s.comeBack(user, uid, method)
	}
	return false
}

// payBy pays an order by some means, and keeps who may have been sent to authenticate.
func (s *shopper) payBy(user, uid, method string) (told *contract.Payment, err error) {
	if strings.HasPrefix(method, "tok_3ds") {
		s.history.sentAway(uid, user, method)
	}
	err = s.ask(user, func(ctx context.Context, b *client.Client) (err error) {
		told, err = b.Pay(ctx, uid, method)
		return err
	})
	switch {
	case err == nil && told.Order != uid:
		s.history.odd(fmt.Sprintf("%s pays %s and is answered about %s", user, uid, told.Order))
	case err == nil && told.State == sequencer.StateNone.String():
		s.history.odd(fmt.Sprintf("%s pays %s and is told of no state: %+v", user, uid, told))
	case err == nil && told.Status == contract.PaymentAccepted:
		s.history.note(s.history.paid, uid, user, told)
	case err != nil && !s.mayRepeat(err):
		s.history.odd(fmt.Sprintf("%s pays %s: %v", user, uid, err))
	}
	return told, err
}

// comeBack is what a buyer does who authenticated, or was away: looks at the order, and while it
// is paying pays again by the same means, which asks how the attempt stands.
func (s *shopper) comeBack(user, uid, method string) {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(authenticateTime) {
		var order *contract.Order
		err := s.ask(user, func(ctx context.Context, b *client.Client) (err error) {
			order, err = b.Order(ctx, uid)
			return err
		})
		if err == nil && order.State != sequencer.StatePaying.String() {
			s.history.isBack(uid)
			return
		}
		if err == nil {
			_, _ = s.payBy(user, uid, method) // what is odd was noted
		}
	}
}

// returnersMax bounds the buyers who come back at once.
const returnersMax = 16

// returnAll lets all buyers come back who were sent to authenticate: whoever was away is told how
// it stands, without a webhook that came to a door that was down.
func (r *run) returnAll() {
	var group sync.WaitGroup
	places := make(chan struct{}, returnersMax)
	for uid, who := range maps.Clone(r.history.away) {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			s := newShopper(&crowd{stage: r.stage, history: r.history, stop: make(chan struct{})}, -1)
			defer s.web.CloseIdleConnections()
			s.comeBack(who.user, uid, who.method)
		})
	}
	group.Wait()
}

// cancelOne gives one of two tickets back.
func (s *shopper) cancelOne(user, uid string) {
	key := fmt.Sprintf("part-%d", s.keys.Add(1))
	s.giveOneBack(user, uid, "cancels", s.history.halved, func(ctx context.Context, b *client.Client) (*contract.Order, error) {
		return b.CancelTickets(ctx, uid, 1, key)
	})
}

// refundOne lets the seller take one of two paid tickets back.
func (s *shopper) refundOne(user, uid string) {
	key := fmt.Sprintf("part-%d", s.keys.Add(1))
	s.giveOneBack(user, uid, "has refunded", s.history.refunded, func(ctx context.Context, _ *client.Client) (*contract.Order, error) {
		seller, err := s.stage.seller(s.stage.voters()[s.random.IntN(nodeCount)])
		if err != nil {
			return nil, err
		}
		return seller.RefundTickets(ctx, uid, 1, key)
	})
}

// refundAll lets the seller take a paid order back.
func (s *shopper) refundAll(user, uid string) {
	var told *contract.Order
	err := s.ask(user, func(ctx context.Context, _ *client.Client) error {
		seller, err := s.stage.seller(s.stage.voters()[s.random.IntN(nodeCount)])
		if err == nil {
			told, err = seller.RefundOrder(ctx, uid)
		}
		return err
	})
	switch _, isProblem := errors.AsType[*contract.Problem](err); {
	case err == nil && told.State != sequencer.StateRefunded.String():
		s.history.odd(fmt.Sprintf("%s has %s refunded, and it is %+v", user, uid, told))
	case err == nil:
		s.history.note(s.history.returned, uid, user, told)
	case isProblem && !s.mayRepeat(err):
		s.history.odd(fmt.Sprintf("%s has %s refunded: %v", user, uid, err))
	}
}

// giveOneBack repeats it under one key, and is told that one ticket is left, whichever copy was
// the first.
func (s *shopper) giveOneBack(user, uid, what string, orders map[string]word, send func(context.Context, *client.Client) (*contract.Order, error)) {
	var told *contract.Order
	err := s.ask(user, func(ctx context.Context, b *client.Client) (err error) {
		told, err = send(ctx, b)
		return err
	})
	switch _, isProblem := errors.AsType[*contract.Problem](err); {
	case err == nil && told.Quantity != 1:
		s.history.odd(fmt.Sprintf("%s %s one of two tickets of %s, and has %d: %+v", user, what, uid, told.Quantity, told))
	case err == nil:
		s.history.note(orders, uid, user, told)
	case isProblem && !s.mayRepeat(err):
		s.history.odd(fmt.Sprintf("%s %s one of two tickets of %s: %v", user, what, uid, err))
	}
}
