//go:build linux

package main

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// begin is when the runs of these tests begin.
var begin = time.Unix(1_800_000_000, 0)

func at(seconds float64) int64 {
	return begin.Add(time.Duration(seconds * float64(time.Second))).UnixNano()
}

// told is an entry that was answered, from one time to another.
func told(k kind, user, key string, from, to float64, a answer) event {
	e := event{entry: entry{Kind: k, User: user, Key: key, Sale: a.Sale, Door: "f1", Sent: at(from), Told: at(to), Status: 200}, answer: a}
	if e.Sale == "" {
		e.Sale = "churn-2"
	}
	return e
}

func bought(user, key string, from, to float64, uid string, seq uint64) event {
	e := told(buy, user, key, from, to, answer{Status: "pending", Order: uid, State: "reserved", Quantity: 1, Seq: seq, ExpiresAt: time.Unix(0, at(to)).Add(churnHold)})
	e.Quantity = 1
	return e
}

// orderOf is an order as it is read.
func orderOf(user, key, uid, state string, seq, asOf uint64) answer {
	return answer{UID: uid, User: user, Sale: "churn-2", Quantity: 1, Reference: key, Seq: seq, AsOfSeq: asOf, State: state, Created: begin, ExpiresAt: begin.Add(time.Hour)}
}

func listed(user string, orders ...answer) event {
	return told(list, user, "", 100, 101, answer{Orders: orders})
}

// good is a run in which all is well: one order is paid, one cancelled, one expired; a
// second of the last buyer was refused.
func good() []event {
	cancelled := told(cancel, "u-2", "", 4, 5, orderOf("u-2", "k2", "o2", "cancelled", 2, 5))
	cancelled.Order = "o2"
	paid := told(pay, "u-1", "", 3, 4, answer{Status: "accepted", Order: "o1", State: "paid", Seq: 4})
	paid.Order = "o1"
	end := told(sale, "", "", 101, 102, answer{Total: 2, Available: 1})
	return []event{
		bought("u-1", "k1", 1, 2, "o1", 1), bought("u-2", "k2", 1, 2, "o2", 2), paid, cancelled,
		bought("u-3", "k3", 6, 7, "o3", 6), told(buy, "u-3", "k4", 8, 9, answer{Status: "fail", Reason: "sold_out", Seq: 7}),
		told(read, "u-3", "", 20, 21, orderOf("u-3", "k3", "o3", "expired", 6, 9)),
		listed("u-1", orderOf("u-1", "k1", "o1", "paid", 1, 10)), listed("u-2", orderOf("u-2", "k2", "o2", "cancelled", 2, 10)),
		listed("u-3", orderOf("u-3", "k3", "o3", "expired", 6, 10)), end,
	}
}

func goodBooks() []charge {
	return []charge{{Key: "c0", Order: "o1", Phase: "declined"}, {Key: "c1", Order: "o1", Phase: "captured", Captured: price}}
}

func TestNothingIsFoundWhereNothingIs(t *testing.T) {
	if f := check(good(), goodBooks()); len(f.found) > 0 {
		t.Error(f.found)
	}
}

// Each check finds what it is for: a run in which one thing is wrong breaks that promise.
func TestEachCheckFinds(t *testing.T) {
	for what, test := range map[string]struct {
		promise string
		events  func(all []event) []event
		books   []charge
	}{
		"a later one in front": {"order", func(all []event) []event { all[5].answer.Seq = 5; all[4].answer.Seq = 8; return all[:6] }, nil},
		"one seq twice":        {"order", func(all []event) []event { all[1].answer.Seq = 1; return all[:2] }, nil},
		"a ticket after the last": {"order", func(all []event) []event {
			all[5].Sale, all[4].Sale = "rush-1", "rush-1"
			all[5].answer.Seq, all[4].answer.Seq = 6, 7
			return all[4:6]
		}, nil},
		"two orders of a key": {"key", func(all []event) []event {
			again := bought("u-1", "k1", 3, 4, "o9", 9)
			return append(all, again)
		}, goodBooks()},
		"an order of nobody": {"key", func(all []event) []event {
			return append(all, listed("u-4", orderOf("u-4", "k9", "o9", "expired", 9, 10)))
		}, goodBooks()},
		"another quantity than there is": {"count", func(all []event) []event { all[10].answer.Available = 2; return all }, goodBooks()},
		"more held than there is":        {"count", func(all []event) []event { all[10].answer.Total, all[10].answer.Available = 1, 0; return all }, goodBooks()},
		"over the cap": {"cap", func(all []event) []event {
			for i := range 3 {
				all = append(all, bought("u-9", fmt.Sprint("k9", i), 30, 31, fmt.Sprint("o9", i), uint64(20+i)))
			}
			return all
		}, goodBooks()},
		"a lost order":        {"answered", func(all []event) []event { return slices.Delete(all, 9, 10) }, goodBooks()},
		"another buyer's":     {"answered", func(all []event) []event { all[9].answer.Orders[0].User = "u-4"; return all }, goodBooks()},
		"alive after its end": {"answered", func(all []event) []event { all[9].answer.Orders[0].State = "reserved"; return all }, goodBooks()},
		"cancelled by nobody": {"answered", func(all []event) []event {
			all[6].answer.State, all[9].answer.Orders[0].State = "cancelled", "cancelled"
			return all
		}, goodBooks()},
		"paid by nobody": {"answered", func(all []event) []event {
			all[6].answer.State, all[9].answer.Orders[0].State = "paid", "paid"
			return all
		}, goodBooks()},
		"a hold that ended early": {"time", func(all []event) []event { all[6].Told = at(2); return all }, goodBooks()},
		"a hold that never ends": {"time", func(all []event) []event {
			all[6].answer.State, all[9].answer.Orders[0].State = "reserved", "reserved"
			all[9].answer.Orders[0].ExpiresAt = begin.Add(13 * time.Second)
			return all
		}, goodBooks()},
		"charged twice":         {"money", nil, append(goodBooks(), charge{Key: "c2", Order: "o1", Phase: "captured", Captured: price})},
		"paid for nothing":      {"money", nil, append(goodBooks(), charge{Key: "c2", Order: "o3", Phase: "captured", Captured: price})},
		"not charged":           {"money", nil, goodBooks()[:1]},
		"neither taken nor not": {"money", nil, append(goodBooks(), charge{Key: "c2", Order: "o3", Phase: "authorised"})},
		"a charge of nobody":    {"money", nil, append(goodBooks(), charge{Key: "c2", Order: "o9", Phase: "declined"})},
	} {
		events := good()
		if test.events != nil {
			events = test.events(events)
		}
		if f := check(events, test.books); len(f.found[test.promise]) == 0 {
			t.Errorf("%s: not found, but %v", what, f.found)
		}
	}
}

// What a replayed answer says was decided when the key was sent first.
func TestAReplayedAnswerIsOld(t *testing.T) {
	again := bought("u-1", "k1", 10, 11, "o1", 1)
	again.Again = true
	if f := check(append(good(), again), goodBooks()); len(f.found) > 0 {
		t.Error(f.found)
	}
}

func TestAnswerWithoutAWord(t *testing.T) {
	var a answer
	if err := a.UnmarshalJSON([]byte(`{"status":503,"code":"no-leader"}`)); err != nil || a.Status != "" || a.Code != "no-leader" {
		t.Errorf("%+v, %v", a, err)
	}
	if err := a.UnmarshalJSON([]byte(`{"status":"pending","seq":7,"expires_at":"2026-12-01T11:00:00.123Z"}`)); err != nil || a.Status != "pending" || a.Seq != 7 || a.ExpiresAt.IsZero() {
		t.Errorf("%+v, %v", a, err)
	}
}
