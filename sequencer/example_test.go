package sequencer_test

import (
	"fmt"
	"time"

	"onsale/sequencer"
)

// A sale of three tickets, decided batch by batch: time comes in with the batch, and every
// replica that applies the same batches decides the same.
func Example() {
	state := sequencer.New()
	opening := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	apply := func(after time.Duration, commands ...sequencer.Command) {
		var d sequencer.Decisions
		state.Apply(&sequencer.Batch{Time: opening.Add(after).UnixNano(), Commands: commands}, &d)

		fmt.Printf("after %v:\n", after)
		for _, e := range d.Events {
			fmt.Printf("  order %d: %s\n", e.Order, e.Kind)
		}
		for _, r := range d.Results {
			fmt.Printf("  %d %s: %s, order %d %s\n", r.Seq, r.Kind, r.Code, r.Order, r.State)
		}
	}
	buy := func(user string, quantity uint8, key string) sequencer.Command {
		return sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, User: []byte(user), Quantity: quantity,
			Key: sequencer.DigestKey([]byte(user), []byte(key))}
	}

	spec := sequencer.SaleSpec{ID: "gig", Item: "Gig", Quantity: 3, Cap: 2, Waitlist: 1, Price: 4500, Currency: "EUR",
		Hold: int64(10 * time.Minute)}
	apply(0, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})

	// Whoever comes first in the batch is first. Who repeats a key is told the same again.
	apply(time.Second, buy("ann", 2, "a"), buy("bob", 1, "b"), buy("cem", 1, "c"), buy("dee", 1, "d"), buy("bob", 1, "b"))

	// When a hold ends, its tickets go to who waits.
	apply(10*time.Minute + time.Second)

	view, _ := state.Sale(1)
	fmt.Println("held:", view.Held, "available:", view.Available)

	// Output:
	// after 0s:
	//   1 sale_create: ok, order 0 none
	// after 1s:
	//   2 buy: ok, order 2 reserved
	//   3 buy: ok, order 3 reserved
	//   4 buy: ok, order 4 waitlisted
	//   5 buy: sold_out, order 0 none
	//   3 buy: ok, order 3 reserved
	// after 10m1s:
	//   order 2: expired
	//   order 4: promoted
	//   order 3: expired
	// held: 1 available: 2
}
