package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/procs"
	"onsale/internal/ticket"
	"onsale/proof/testenv"
)

// story is what buyers and a seller do while programs come and go, and what they were told.
type story struct {
	t       *testing.T
	u       *upgrade
	chapter int
	looked  int
	coming  []*toldOrder // into their states
	told    []*toldOrder
}

// toldOrder is an order in a state that does not change any more.
type toldOrder struct {
	user, sale string
	quantity   uint8 // that the buy asked for
	state      string
	tickets    int // that are valid
	is         contract.Order
}

func newStory(u *upgrade) *story {
	openStages(u.t, leaderAmong(u.t, u.nodes))
	s := &story{t: u.t, u: u}
	s.goesOn()
	return s
}

// holds expects that all orders are what was told of them, each at another door. Those of the
// newest chapter are told first: money took its time, while programs came and went.
func (s *story) holds() {
	s.t.Helper()
	s.looked++
	for i, is := range s.told {
		s.stays(s.door(i), is)
	}
	for _, is := range s.coming {
		is.is = *s.await(is)
		s.told = append(s.told, is)
	}
	s.coming = nil
}

// goesOn does so, and brings one more order on the way into every state.
func (s *story) goesOn() {
	s.t.Helper()
	s.holds()
	s.chapter++
	s.comes(s.buy("holds", "stage", 1), "reserved", 0)
	waits := "waitlisted"
	if s.chapter == 1 {
		waits = "reserved"
	}
	s.comes(s.buy("waits", "full", 1), waits, 0)
	s.comes(s.paid("pays"), "paid", 2)
	s.comes(s.refunded("returns one", 1), "paid", 1)
	s.comes(s.refunded("returns all", 2), "refunded", 0)
	cancelled := s.buy("cancels", "stage", 1)
	if _, err := settled(s.t, func() (*contract.Order, error) {
		return s.door(0).buyer(cancelled.user).CancelOrder(s.t.Context(), cancelled.is.UID)
	}); err != nil {
		s.t.Fatalf("cancel: %v", err)
	}
	s.comes(cancelled, "cancelled", 0)
}

func (s *story) comes(is *toldOrder, state string, tickets int) {
	is.state, is.tickets = state, tickets
	s.coming = append(s.coming, is)
}

// door is one process of all, another one for each number and each look.
func (s *story) door(i int) *testNode {
	all := append(s.u.fronts[:len(s.u.fronts):len(s.u.fronts)], s.u.nodes...)
	return all[(i+s.looked)%len(all)]
}

func (s *story) buy(what, sale string, quantity uint8) *toldOrder {
	s.t.Helper()
	is := &toldOrder{user: fmt.Sprintf("%s-%d", what, s.chapter), sale: sale, quantity: quantity}
	d, err := s.door(len(what)).buyAgain(is.user, is.purchase())
	if err != nil || d.Order == "" {
		s.t.Fatalf("%s: %+v, %v", is.user, d, err)
	}
	is.is.UID = d.Order
	return is
}

func (is *toldOrder) purchase() client.Purchase {
	return client.Purchase{Quantity: is.quantity, Sale: is.sale, Key: "key of " + is.user}
}

// paid is an order of two tickets that is paid.
func (s *story) paid(what string) *toldOrder {
	s.t.Helper()
	is := s.buy(what, "stage", 2)
	paid, err := settled(s.t, func() (*contract.Payment, error) {
		return s.door(1).buyer(is.user).Pay(s.t.Context(), is.is.UID, "tok_accept")
	})
	if err != nil || paid.Status != contract.PaymentAccepted {
		s.t.Fatalf("%s: %+v, %v", is.user, paid, err)
	}
	return is
}

// refunded is a paid order of which the seller took tickets back, the first ones.
func (s *story) refunded(what string, tickets int) *toldOrder {
	s.t.Helper()
	is := s.paid(what)
	is.state, is.tickets = "paid", 2
	own := s.await(is)
	numbers := []uint32{own.Tickets[0].Number, own.Tickets[1].Number}[:tickets]
	seller := leaderAmong(s.t, s.u.nodes).seller()
	if _, err := settled(s.t, func() (*contract.Order, error) {
		return seller.RefundNamed(s.t.Context(), is.is.UID, numbers, "refund of "+is.user)
	}); err != nil {
		s.t.Fatalf("%s: %v", is.user, err)
	}
	return is
}

// await asks at some door until that replica has come to an order's state, and its money is where
// it belongs. It asks again and again: a long poll waits for a change, and there may be none.
func (s *story) await(is *toldOrder) (order *contract.Order) {
	s.t.Helper()
	door := s.door(len(is.user))
	what := fmt.Sprintf("%s %s with %d tickets at %s", is.user, is.state, is.tickets, door.id)
	testenv.Eventually(s.t, time.Minute, what, func() bool {
		var err error
		if order, err = door.order(is.user, is.is.UID); err != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
		isDue := slices.ContainsFunc(order.Parts, func(p contract.OrderPart) bool { return p.MoneyBack == contract.MoneyDue })
		return order.State == is.state && len(order.Tickets) == is.tickets && order.MoneyBack != contract.MoneyDue && !isDue
	})
	return order
}

// stays expects that an order is what was told of it, and that its key buys nothing else.
func (s *story) stays(door *testNode, is *toldOrder) {
	s.t.Helper()
	var order *contract.Order
	testenv.Eventually(s.t, time.Minute, door.id+" at what was told", func() (isThere bool) {
		var err error
		if order, err = door.order(is.user, is.is.UID); err != nil {
			s.t.Fatalf("%s at %s: %v", is.user, door.id, err)
		}
		return order.AsOfSeq >= is.is.AsOfSeq
	})
	if was, now := promised(s.t, is.is), promised(s.t, *order); was != now {
		s.t.Errorf("%s at %s: told was\n%s, it is\n%s", is.user, door.id, was, now)
	}
	if was, now := is.is.ExpiresAt, order.ExpiresAt; (was == nil) != (now == nil) || was != nil && now.Before(*was) {
		s.t.Errorf("%s at %s: the hold ended at %v, it ends at %v", is.user, door.id, was, now)
	}
	if d, err := door.buyAgain(is.user, is.purchase()); err != nil || d.Order != is.is.UID {
		s.t.Errorf("%s buys again at %s: %+v, %v, the order was %s", is.user, door.id, d, err, is.is.UID)
	}
}

// promised is what of an order stays, also when a later program shows more of it. The end of a
// hold moves on with an outage.
func promised(t *testing.T, o contract.Order) string {
	t.Helper()
	text, err := json.Marshal([]any{o.UID, o.UserID, o.Sale, o.Seq, o.CreationTS, o.Status, o.State, o.Quantity, o.Position, o.PaymentRef, o.Attempts,
		o.MoneyBack, o.Parts, o.Tickets})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// booksAgree compares the provider's books with the orders.
func (s *story) booksAgree() {
	s.t.Helper()
	seller := leaderAmong(s.t, s.u.nodes).seller()
	testenv.Eventually(s.t, time.Minute, "books and orders agree", func() bool {
		found, err := seller.Reconcile(s.t.Context())
		return err == nil && found.Unsettled == 0 && len(found.Differences) == 0 && found.Charges == 3*s.chapter
	})
}

// letsIn expects that each program lets the same tickets in, without a network.
func (s *story) letsIn(programs ...string) {
	s.t.Helper()
	leader := leaderAmong(s.t, s.u.nodes)
	keys, err := leader.buyer("gate").TicketKeys(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	revoked, err := leader.seller().AllRevoked(s.t.Context(), "stage")
	if err != nil {
		s.t.Fatal(err)
	}
	if len(revoked.Numbers) != 3*s.chapter {
		s.t.Errorf("%d tickets are revoked in %d chapters", len(revoked.Numbers), s.chapter)
	}
	keysFile, revokedFile := s.file("keys.json", keys), s.file("revoked.json", revoked)
	for _, is := range s.told {
		for _, of := range is.is.Tickets {
			if len(of.Code) != ticket.CodeCharacters {
				s.t.Fatalf("%s has a ticket without a code: %+v", is.user, is.is.Tickets)
			}
		}
	}
	for _, program := range programs {
		p := startProcess(s.t, procs.Config{Name: "gate", Path: program, Env: ownEnvironment(),
			Args: []string{"ticket", "verify", s.told[2].is.Tickets[0].Code, "--keys", keysFile, "--revoked", revokedFile}})
		if code := awaitEnd(s.t, p); code != 0 {
			s.t.Errorf("%s: exit code %d\n%s", program, code, p.Output())
		}
	}
}

func (s *story) file(name string, content any) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	data, err := json.Marshal(content)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}
