package view

import (
	"fmt"
	"testing"

	"onsale/sequencer"
)

// BenchmarkCreateSale creates a sale beside so many others and publishes it. A sale costs the
// same beside ten thousand others as beside a hundred.
func BenchmarkCreateSale(b *testing.B) {
	const more = 1000 // sales are made before the number begins anew
	for _, sales := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("sales=%d", sales), func(b *testing.B) {
			var state *sequencer.State
			var published *Sales
			for i := range b.N {
				if i%more == 0 {
					b.StopTimer()
					state, published = sequencer.New(), NewSales()
					for n := range sales {
						create(state, n)
					}
					published.Replace(state)
					b.StartTimer()
				}
				create(state, sales+i%more)
				published.Update(state)
			}
		})
	}
}

func create(state *sequencer.State, n int) {
	spec := concert()
	spec.ID = fmt.Sprintf("sale-%d", n)
	state.Apply(&sequencer.Batch{Time: int64(n + 1), Commands: []sequencer.Command{
		{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)},
	}}, new(sequencer.Decisions))
}
