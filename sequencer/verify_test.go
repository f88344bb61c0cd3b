package sequencer

import (
	"strings"
	"testing"
)

// busy is a state with orders in every state that counts, a session, and a waiting buyer.
func busy(t *testing.T) *State {
	t.Helper()
	s, d, spec := New(), new(Decisions), usualSpec()
	spec.Quantity, spec.Cap, spec.Waitlist = 4, 4, 5
	apply := func(c Command) Result {
		t.Helper()
		s.Apply(&Batch{Time: s.Now() + 1, Commands: []Command{c}}, d)
		if d.Results[0].Code != CodeOK {
			t.Fatalf("%s: %s", c.Kind, d.Results[0].Code)
		}
		return d.Results[0]
	}
	apply(Command{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)})
	var orders []uint64
	for _, user := range []string{"paid", "refunded", "held", "held too", "waits"} {
		key := DigestKey([]byte(user), []byte("k"))
		orders = append(orders, apply(Command{Kind: KindBuy, Sale: 1, Quantity: 1, User: []byte(user), Key: key}).Order)
	}
	for i, user := range []string{"paid", "refunded"} {
		apply(Command{Kind: KindPayBegin, Order: orders[i], User: []byte(user), Amount: 100, Reference: []byte("a")})
		apply(Command{Kind: KindPayResult, Order: orders[i], Attempt: 1, Outcome: PayAccepted})
		apply(Command{Kind: KindPayCaptured, Order: orders[i], Attempt: 1, Amount: 100})
	}
	apply(Command{Kind: KindRefund, Order: orders[1]})
	apply(Command{Kind: KindSessionOpen})
	if err := s.Verify(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Each number that a state keeps twice is compared with what it is made of, and the
// difference is told.
func TestVerifyFindsEachDifference(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*State)
		says   string
		counts bool // a restored state is held to it too
	}{
		"a hold more":               {func(s *State) { s.sales[0].held++ }, "its counts are", true},
		"a sold ticket less":        {func(s *State) { s.sales[0].sold-- }, "its counts are", true},
		"a withheld ticket more":    {func(s *State) { s.sales[0].withheld++ }, "its counts are", true},
		"a waiting order less":      {func(s *State) { s.sales[0].waiting-- }, "its counts are", true},
		"a waiting ticket more":     {func(s *State) { s.sales[0].waitingTickets++ }, "its counts are", true},
		"an available ticket more":  {func(s *State) { s.sales[0].available++ }, "sold + held + withheld + available is", true},
		"the hash of the sales":     {func(s *State) { s.salesHash++ }, "hash of the sales", true},
		"the hash of the sessions":  {func(s *State) { s.sessions.hash++ }, "hash of the sessions", true},
		"a session of later":        {func(s *State) { s.sessions.list[0].id = s.seq + 1 }, "session", true},
		"a session of nothing":      {func(s *State) { s.sessions.list[0].id = 0 }, "session 0 follows session 0", true},
		"a capture of what is held": {func(s *State) { s.orders.edit(2).flags.set(isCaptureDue, true); s.unsettled.set(2, true) }, "", true},
		"the hash of the orders":    {func(s *State) { s.ordersHash++ }, "hash of the orders", false},
		"an order that is settled":  {func(s *State) { s.unsettled.set(0, true) }, "tracked as unsettled: true", false},
		"a payment that is due":     {func(s *State) { s.orders.at(0).voidsDue = 1 }, "tracked as unsettled: false", false},
	} {
		s := busy(t)
		c.change(s)
		if err := s.Verify(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.verifyCounts(); c.counts != (err != nil) || c.counts && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s, restored: %v", name, err)
		}
	}
	freed := busy(t) // what the seller gave free again is withheld no more
	freed.sales[0].withheld--
	freed.sales[0].available++
	if err := freed.verifyCounts(); err == nil || !strings.Contains(err.Error(), "hash of the sales") {
		t.Errorf("released: %v", err)
	}
}
