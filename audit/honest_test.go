package audit

import (
	"testing"

	"onsale/sequencer"
)

// honestSales are sales in which something changes what the ledger expects: it must
// follow, and find nothing. The rules are asked too, so that the books' totals are held
// against theirs.
var honestSales = map[string]batches{
	"tickets come free by a cancel, and who comes then gets what another was refused": {
		at(0, sell(), buy("ann", 2), buy("bob", 1), cancel(2, "ann"), buy("cid", 1))},
	"tickets come free by time": {
		at(0, sell(), buy("ann", 2), buy("bob", 1)), at(3, buy("cid", 1))},
	"tickets come free by a declined payment": {
		at(0, sell(), buy("ann", 2), pay(2, "ann", 2), buy("bob", 1)),
		at(4, outcome(2, sequencer.PayRejected), buy("cid", 1))},
	"tickets are added": {
		at(0, sell(), buy("ann", 2), buy("bob", 1), more(1), buy("cid", 1))},
	"tickets are taken away": {
		at(0, sell(), buy("ann", 1), more(-1), buy("bob", 1))},
	"tickets come back, and are released": {
		at(0, sell(), buy("ann", 2), pay(2, "ann", 2), outcome(2, sequencer.PayAccepted), refund(2), buy("bob", 1),
			onSale(sequencer.KindSaleRelease, 1), buy("cid", 1))},
	"who waits leaves, and a place comes free": {
		at(0, sell(waitlist(1)), buy("ann", 1), buy("bob", 2), buy("cid", 1), cancel(3, "bob"), buy("dan", 1))},
	"a refused buy of three says nothing of one": {
		at(0, sell(), buy("ann", 1), buy("bob", 3), buy("cid", 1))},
	"a refused buy of three says nothing of one behind it that is refused": {
		at(0, sell(), buy("ann", 1), buy("bob", 2), buy("cid", 3), buy("dan", 1))},

	"all who wait are sent away when the sale closes": {
		at(0, sell(waitlist(2)), buy("ann", 2), buy("bob", 1), buy("cid", 1), onSale(sequencer.KindSaleClose, 0)),
		at(4)},
	"all reservations end with the sale": {
		at(0, sell(waitlist(2)), buy("ann", 1), buy("bob", 1), buy("cid", 1), pay(2, "ann", 1)),
		at(1, onSale(sequencer.KindSaleCancel, 0)), at(2, outcome(2, sequencer.PayAccepted)), at(9)},
	"what is paid is refunded with the sale": {
		at(0, sell(), buy("ann", 1), pay(2, "ann", 1), outcome(2, sequencer.PayAccepted),
			onSale(sequencer.KindSaleCancel, 0))},
	"a payment is declined after the sale was cancelled": {
		at(0, sell(), buy("ann", 1), pay(2, "ann", 1), onSale(sequencer.KindSaleCancel, 0),
			outcome(2, sequencer.PayRejected))},

	"a payment is declined in time, and begins again": {
		at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(2, outcome(2, sequencer.PayRejected), pay(2, "ann", 1)),
		at(9, outcome(2, sequencer.PayAccepted), attempt(outcome(2, sequencer.PayAccepted), 2))},
	"a payment is declined when the hold ends": {
		at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(3, outcome(2, sequencer.PayCancelled))},
	"a payment is overdue, and accepted": {
		at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(4), at(9, outcome(2, sequencer.PayAccepted))},
	"money comes for an order that is gone": {
		at(0, sell(), buy("ann", 1), pay(2, "ann", 1)),
		at(3, outcome(2, sequencer.PayCancelled), outcome(2, sequencer.PayAccepted))},
	"an order is cancelled, paid and refunded twice": {
		at(0, sell(), buy("ann", 1), cancel(2, "ann"), cancel(2, "ann"), buy("bob", 1), pay(5, "bob", 1),
			outcome(5, sequencer.PayAccepted), refund(5), refund(5))},

	"holds are extended, and end then": {
		at(0, sell(), buy("ann", 1), buy("bob", 1), pay(3, "bob", 1), extend()),
		at(3602), at(3603), at(3604)},
	"an extended hold is never beyond the end of time": {
		at(0, sell(), buy("ann", 1)),
		{Time: sequencer.TimeMax - 1, Commands: []sequencer.Command{buy("bob", 1), extend()}}},
	"the hold of later orders is changed": {
		at(0, sell(waitlist(1)), buy("ann", 2), update(waitlist(1), longHold), buy("bob", 1)), at(3), at(62), at(63)},
	"the waitlist of a running sale grows": {
		at(0, sell(waitlist(1)), buy("ann", 2), buy("bob", 1), buy("cid", 1), update(waitlist(2)),
			buy("cid", 1), buy("dan", 1))},

	"one who fits is promoted past one who does not": {
		at(0, sell(waitlist(3), skipUnfit), buy("ann", 2), buy("bob", 2), buy("cid", 1), more(1), buy("dan", 1))},
	"a buy that fits is promoted at once": {
		at(0, sell(waitlist(3), skipUnfit), buy("ann", 1), buy("bob", 2), buy("cid", 1))},
	"who waits gets fewer tickets": {
		at(0, sell(waitlist(3)), buy("ann", 2), least(buy("bob", 2), 1), more(1))},
	"who waits for the least gets all": {
		at(0, sell(waitlist(3)), buy("ann", 2), least(buy("bob", 2), 1), more(3), buy("cid", 1))},

	"batches of front-ends": {
		at(0, session(), session(), forward(1, 1, 2), nobody(), nobody(), forward(2, 1, 1), nobody()),
		at(1, forward(1, 1, 1), nobody(), forward(1, 2, 1), nobody(), nobody(), forward(9, 1, 2), nobody(), nobody(), nobody()),
		at(2, forward(1, 3, 2), session(), forward(1, 4, 1), nobody())},
	"two sales": {
		at(0, sell(), sell(func(s *sequencer.SaleSpec) { s.ID, s.Quantity = "autumn", 1 }), buy("ann", 2),
			inSale(2, buy("ann", 1)), inSale(2, buy("bob", 1)), buy("bob", 1)),
		at(3, inSale(2, buy("bob", 1)))},
}

func longHold(s *sequencer.SaleSpec) { s.Hold = 20 * forgedHold }

func TestHonestSalesAreClean(t *testing.T) {
	for name, sale := range honestSales {
		f := forgery{batches: sale}
		if r := f.run(Options{}); r.Verdict != VerdictClean {
			t.Errorf("%s:\n%s", name, r)
		}
		if r := f.run(Options{LedgerOnly: true}); r.Verdict != VerdictUnchecked || r.FindingCount > 0 {
			t.Errorf("%s, the ledger alone:\n%s", name, r)
		}
	}
}
