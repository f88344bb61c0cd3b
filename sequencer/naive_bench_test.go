package sequencer_test

import (
	"fmt"
	"testing"

	"onsale/audit/naive"
	"onsale/sequencer"
)

// BenchmarkAgainstNaive decides the same buys with the state and with the second
// implementation, which is what one writes first: maps, slices and pointers. One
// operation is one decision.
func BenchmarkAgainstNaive(b *testing.B) {
	model, state := naive.New(), sequencer.New()
	var d sequencer.Decisions
	for name, apply := range map[string]func(*sequencer.Batch){
		"state": func(batch *sequencer.Batch) { state.Apply(batch, &d) },
		"naive": func(batch *sequencer.Batch) { model.Apply(batch) },
	} {
		spec := sequencer.SaleSpec{ID: "hot", Item: "concert", Quantity: sequencer.TicketsMax, Cap: 2, Currency: "EUR", Hold: 3600e9}
		apply(&sequencer.Batch{Commands: []sequencer.Command{{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}}})
		b.Run(name, func(b *testing.B) {
			user := 0
			batch := sequencer.Batch{Commands: make([]sequencer.Command, 1000)}
			for done := 0; done < b.N; done += len(batch.Commands) {
				b.StopTimer()
				for i := range batch.Commands {
					user++
					batch.Commands[i] = sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: fmt.Appendf(nil, "user number %012d of %d", user, b.N)}
				}
				b.StartTimer()
				apply(&batch)
			}
		})
	}
}
