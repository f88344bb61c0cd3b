package audit

import "onsale/sequencer"

// forgedSales are sellers' commands that a sale does not allow.
var forgedSales = append([]forgery{
	{name: "a sale is paused that is not there", finds: []check{checkSellerSale},
		batches: batches{at(0, sell(), inSale(9, onSale(sequencer.KindSalePause, 0)))},
		forge:   func(f *forged) { f.accept(2, 9) }},
	{name: "a sale has another number than its place", finds: []check{checkSaleCreated},
		batches: batches{at(0, sell())},
		forge:   func(f *forged) { f.accept(1, 2) }},
	{name: "a sale has the number of an earlier one", finds: []check{checkSaleCreated},
		batches: batches{at(0, sell(), sell(func(s *sequencer.SaleSpec) { s.ID = "autumn" }))},
		forge:   func(f *forged) { f.accept(2, 1) }},
	{name: "a sale is created of a bad spec", finds: []check{checkSaleCreated},
		batches: batches{at(0, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: []byte("bad")})},
		forge:   func(f *forged) { f.accept(1, 1) }},
	{name: "a sale is changed by a bad spec", finds: []check{checkTermsKept},
		batches: batches{at(-9, sell(), sequencer.Command{Kind: sequencer.KindSaleUpdate, Sale: 1, Body: []byte("bad")})},
		forge:   func(f *forged) { f.accept(2, 1) }},
	{name: "terms that must not change are not believed later", finds: []check{checkTermsKept, checkCap},
		batches: batches{
			at(0, sell(quantity(9)), update(quantity(9), func(s *sequencer.SaleSpec) { s.Cap = 9 }), buy("ann", 5)),
		},
		forge: func(f *forged) { f.accept(2, 1); f.reserve(3, 5) }},
	{name: "the start of a sale without one is when it was created", finds: []check{checkTermsKept},
		batches: batches{
			at(0, sell(startsNow)), at(1, update(startsNow)),
		},
		forge: func(f *forged) { f.accept(2, 1) }},
	{name: "the start of a sale without one is when it was changed", finds: []check{checkTermsKept},
		batches: batches{
			at(-9, sell(), update(startsNow)), at(-8, update(startsNow, quantity(9))),
		},
		forge: func(f *forged) { f.accept(3, 1) }},

	{name: "more tickets are taken away than are left", finds: []check{checkCount},
		batches: batches{at(0, sell(), buy("ann", 1), onSale(sequencer.KindSaleQuantity, -2))},
		forge:   func(f *forged) { f.accept(3, 1) }},
	{name: "more tickets are released than were withheld", finds: []check{checkCount},
		batches: batches{at(0, sell(), onSale(sequencer.KindSaleRelease, 1))},
		forge:   func(f *forged) { f.accept(2, 1) }},
}, changedTerms()...)

// accept lets a seller's command on a sale be executed.
func (f *forged) accept(seq uint64, sale uint16) {
	r := f.result(seq)
	*r = sequencer.Result{Seq: seq, Kind: r.Kind, Sale: sale}
}

func startsNow(s *sequencer.SaleSpec) { s.StartsAt = 0 }

// changedTerms change each of what buyers rely on while the sale runs.
func changedTerms() []forgery {
	terms := []struct {
		name   string
		change func(s *sequencer.SaleSpec)
	}{
		{"id", func(s *sequencer.SaleSpec) { s.ID = "summer" }},
		{"item", func(s *sequencer.SaleSpec) { s.Item = "seat" }},
		{"quantity", quantity(3)},
		{"cap", func(s *sequencer.SaleSpec) { s.Cap++ }},
		{"price", func(s *sequencer.SaleSpec) { s.Price++ }},
		{"currency", func(s *sequencer.SaleSpec) { s.Currency = "USD" }},
		{"start", func(s *sequencer.SaleSpec) { s.StartsAt++ }},
		{"grace", func(s *sequencer.SaleSpec) { s.Grace++ }},
	}
	var forgeries []forgery
	for _, term := range terms {
		forgeries = append(forgeries, forgery{
			name: "the " + term.name + " of a running sale is changed", finds: []check{checkTermsKept},
			batches: batches{at(-1, sell()), at(0, buy("ann", 1), update(term.change))}, // who holds relies on the price too
			forge:   func(f *forged) { f.accept(3, 1) },
		})
	}
	return forgeries
}
