package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"onsale/api/contract"
)

// ref is the key of an order's first attempt.
func ref(uid string) string { return uid + "-01" }

func paidFor(uid string, tickets int) *order {
	return &order{UID: uid, User: "ann", Price: 4900, Currency: "EUR", Bought: tickets, Accepted: true,
		Final: &contract.Order{UID: uid, State: statePaid, Quantity: uint8(tickets), PaymentRef: ref(uid)}}
}

// joined is an order of two of which one went back, then the other; the part's refund failed later,
// and what was sent once more with the whole failed too. Half of it is back.
func joined() *order {
	a := paidFor("joined", 1)
	a.Bought, a.Parts, a.Refunded, a.Final.State, a.Final.MoneyBack = 2, 1, true, stateRefunded, moneyFailed
	a.Final.Parts = []contract.OrderPart{{Part: 1, Quantity: 1, MoneyBack: moneyFailed}}
	return a
}

func captured(uid string, amount, refunded int64) *charge {
	c := &charge{Key: ref(uid), Order: uid, Amount: amount, Currency: "EUR", Phase: "captured", Captured: amount, Refunded: refunded}
	if amount == refunded {
		c.Phase = "refunded"
	}
	return c
}

// good is a run in which all is well: two tickets are paid, of two one went back, all of an
// order went back, a refund failed, and another one of a disputed charge; one order was paid
// under a second account. Books that took the place of others for a while are empty.
func good() *evidence {
	part := paidFor("part", 1)
	part.Bought, part.Parts = 2, 1
	part.Final.MoneyBack, part.Final.Parts = "done", []contract.OrderPart{{Part: 1, Quantity: 1, MoneyBack: "done"}}
	refunded := func(uid, moneyBack string) *order {
		a := paidFor(uid, 1)
		a.Refunded, a.Final.State, a.Final.MoneyBack = true, stateRefunded, moneyBack
		return a
	}
	failed := captured("failed", 4900, 0)
	failed.Method, failed.bounced = "tok_refund_always_fails_1500ms", 2
	disputed := captured("disputed", 4900, 0)
	disputed.Dispute = json.RawMessage(`{"status":1}`)
	e := &evidence{
		Orders: []*order{paidFor("paid", 2), part, refunded("back", "done"), refunded("failed", moneyFailed),
			refunded("disputed", moneyFailed), paidFor("second", 2),
			{UID: "gone", Bought: 1, Final: &contract.Order{UID: "gone", State: "cancelled", Quantity: 1}}, joined()},
		Accounts: []*accountBooks{{Books: books{}}, {Books: books{ref("second"): captured("second", 9800, 0)}}}, Lost: []books{{}},
		Disputed: []dispute{{Key: ref("disputed")}},
	}
	half := captured("joined", 9800, 4900)
	half.Method, half.bounced = "tok_refund_fails_2000ms", 2
	for _, c := range []*charge{half, captured("paid", 9800, 0), captured("part", 9800, 4900), captured("back", 4900, 4900), failed, disputed} {
		e.Accounts[0].Books[c.Key] = c
	}
	said := `{"unsettled":0,"money":[{"currency":"EUR","captured_amount":44100,"refunded_amount":14700}],"differences":[
		{"kind":"not_returned","payment":"failed-01","order":"failed","amount":4900},
		{"kind":"not_returned","payment":"joined-01","order":"joined","amount":4900},
		{"kind":"not_returned","payment":"disputed-01","order":"disputed","amount":4900}]}`
	second := `{"unsettled":0,"money":[{"currency":"EUR","captured_amount":9800,"refunded_amount":0}]}`
	for i, text := range []string{said, second} {
		if err := json.Unmarshal([]byte(text), &e.Accounts[i].Said); err != nil {
			panic(err)
		}
	}
	return e
}

func (e *evidence) said() *reconciliation { return &e.Accounts[0].Said }

func (e *evidence) books() books { return e.Accounts[0].Books }

// of returns an order of a run.
func (e *evidence) of(uid string) *order {
	i := slices.IndexFunc(e.Orders, func(a *order) bool { return a.UID == uid })
	return e.Orders[i]
}

func TestCheckFindsNothing(t *testing.T) {
	v := check(good())
	if v.violations() > 0 {
		t.Errorf("%v", v.found)
	}
	if want := (sums{53900, 24500, 14700, 14700}); v.money["EUR"] != want {
		t.Errorf("%+v, want %+v", v.money["EUR"], want)
	}
	if v.counts["refunds that failed later"] != 4 || v.counts["disputes"] != 1 {
		t.Errorf("%v", v.counts)
	}
}

// forgeries are runs in which one thing is wrong, by what must be found.
var forgeries = map[string]map[string]func(*evidence){
	"answers": {
		"an order is not found":                 func(e *evidence) { e.of("gone").Final = nil },
		"told to be paid, and is not":           func(e *evidence) { e.of("gone").Accepted = true },
		"told to be refunded, and is paid":      func(e *evidence) { e.of("paid").Refunded = true },
		"a part that was told is not there":     func(e *evidence) { e.of("paid").Parts = 1 },
		"a part that nobody asked for":          func(e *evidence) { e.of("part").Parts = 0 },
		"refunded, and nobody asked for it":     func(e *evidence) { e.of("back").Refunded = false },
		"refunded, and nothing said of money":   func(e *evidence) { e.of("back").Final.MoneyBack = "" },
		"a ticket of a paid order has vanished": func(e *evidence) { e.of("paid").Bought = 3 },
	},
	"money": {
		"a charge of nobody's":                 func(e *evidence) { e.books()["x"] = &charge{Key: "x", Order: "x"} },
		"captured a cent too much":             func(e *evidence) { e.books()[ref("paid")].Captured++ },
		"a cent too little went back":          func(e *evidence) { e.books()[ref("back")].Refunded-- },
		"done, and nothing went back":          func(e *evidence) { e.of("failed").Final.MoneyBack = "done" },
		"failed, and it went back":             func(e *evidence) { e.of("back").Final.MoneyBack = moneyFailed },
		"two charges keep money":               func(e *evidence) { e.halve("paid") },
		"another currency":                     func(e *evidence) { e.of("paid").Currency = "JPY" },
		"paid twice, under two accounts":       func(e *evidence) { e.Accounts[1].Books[ref("paid")] = captured("paid", 9800, 0) },
		"paid, and no account has a charge":    func(e *evidence) { delete(e.Accounts[1].Books, ref("second")) },
		"failed with a part, more than named":  func(e *evidence) { e.books()[ref("joined")].Refunded -= 100 },
		"cancelled, and its money is captured": func(e *evidence) { e.books()[ref("gone")] = captured("gone", 4900, 0) },
	},
	"named": {
		"a difference is not named": func(e *evidence) { e.said().Differences = e.said().Differences[1:] },
		"one is named that is none": func(e *evidence) { e.name("not_captured", "paid", 9800) },
		"the amount is wrong":       func(e *evidence) { e.said().Differences[0].Amount-- },
		"a hold is left and not named": func(e *evidence) {
			e.books()["gone-01"] = &charge{Key: "gone-01", Order: "gone", Amount: 4900, Phase: phaseAuthorised}
		},
		"the sum differs, by no charge": func(e *evidence) { e.name("sum", "EUR", 1) },
		"not all are told":              func(e *evidence) { e.said().More = true },
		"one under another account":     func(e *evidence) { e.name("other_account", "second", 9800) },
	},
	"cause": {
		"a refund failed by itself": func(e *evidence) { e.books()[ref("failed")].Method = "" },
	},
	"settled": {
		"an order is paying beyond its deadline": func(e *evidence) { e.paying("gone", saleGrace+endedWithin+time.Second) },
		"an order is paying, and has no deadline": func(e *evidence) {
			e.paying("gone", 0)
			e.of("gone").Final.ExpiresAt = nil
		},
		"an order is not settled": func(e *evidence) { e.said().Unsettled = 1 },
	},
	"sums": {
		"reconciling says another sum":        func(e *evidence) { e.said().Money[0].Captured++ },
		"reconciling says nothing of a sum":   func(e *evidence) { e.said().Money = nil },
		"reconciling says what went not back": func(e *evidence) { e.said().Money[0].Refunded-- },
	},
	"lost":     {"a charge in books that nobody accepted": func(e *evidence) { e.Lost[0]["x"] = captured("paid", 1, 1) }},
	"disputes": {"one is not listed": func(e *evidence) { e.Disputed = nil }},
	"orphans":  {"one is told": func(e *evidence) { e.Orphans = []orphan{{Key: "x"}} }},
}

// halve splits an order's charge in two that both keep money.
func (e *evidence) halve(uid string) {
	first := e.books()[ref(uid)]
	second := *first
	second.Key = uid + "-02"
	first.Captured, second.Captured = first.Captured/2, first.Captured/2
	e.books()[second.Key] = &second
}

func (e *evidence) name(kind, uid string, amount int64) {
	e.said().Differences = append(e.said().Differences, difference{Kind: kind, Key: ref(uid), Order: uid, Amount: amount})
}

// Each check finds the forgery that it is for.
func TestCheckFindsForgeries(t *testing.T) {
	for what, all := range forgeries {
		for name, forge := range all {
			e := good()
			forge(e)
			if v := check(e); len(v.found[what]) == 0 {
				t.Errorf("%s: %s: found %v", what, name, v.found)
			}
		}
	}
}

// An answer that was lost leaves open what was asked for, and a sale that was cancelled gives
// back what nobody asked for.
func TestCheckAllows(t *testing.T) {
	for name, allow := range map[string]func(*evidence){
		"a refund whose answer was lost": func(e *evidence) { a := e.of("back"); a.Refunded, a.Unsure = false, true },
		"a part whose answer was lost":   func(e *evidence) { a := e.of("part"); a.Parts, a.Unsure = 0, true },
		"a sale that was cancelled":      func(e *evidence) { a := e.of("back"); a.Refunded, a.SaleCancelled = false, true },
		"a part told of all of it":       func(e *evidence) { a := e.of("back"); a.Parts, a.Refunded, a.SaleCancelled = 1, false, true },
	} {
		e := good()
		if allow(e); check(e).violations() > 0 {
			t.Errorf("%s: %v", name, check(e).found)
		}
	}
}

// paying lets an order be paying whose hold ended so long before the end.
func (e *evidence) paying(uid string, ago time.Duration) {
	e.At = time.Date(2026, time.December, 1, 12, 0, 0, 0, time.UTC)
	ended := e.At.Add(-ago)
	o := e.of(uid).Final
	o.State, o.ExpiresAt = statePaying, &ended
}

// An order that has time left by its own word is no violation; the run says nothing then.
func TestCheckLeavesTime(t *testing.T) {
	for _, left := range []time.Duration{10 * time.Minute, -saleGrace, -saleGrace - endedWithin} {
		e := good()
		e.paying("gone", -left)
		if v := check(e); v.violations() > 0 || len(v.void) != 1 {
			t.Errorf("%v left: %v, void %v", left, v.found, v.void)
		}
	}
}

// A run in which something never happened is void.
func TestNeeds(t *testing.T) {
	v := newVerdict()
	v.needs(map[string]int{"a": 1, "c": 0}, "a", "b", "c")
	if want := fmt.Sprint([]string{"no b", "no c"}); fmt.Sprint(v.void) != want {
		t.Errorf("%v", v.void)
	}
}
