package sequencer_test

import (
	"fmt"
	"strings"
	"time"

	"onsale/sequencer"
)

// salesOfSeed bounds the sales of one seed: every view of each is compared after
// every batch.
const salesOfSeed = 16

func (g *generator) create() sequencer.Command {
	spec := g.spec(fmt.Sprintf("sale-%d", g.model.SaleCount()+g.between(0, 1)))
	return sequencer.Command{Kind: sequencer.KindSaleCreate, Body: g.perhapsBad(sequencer.AppendSaleSpec(nil, &spec))}
}

func (g *generator) spec(id string) sequencer.SaleSpec {
	s := sequencer.SaleSpec{
		ID: id, Item: "ticket", Quantity: uint32(g.between(1, 12)), Cap: uint8(g.between(1, 4)),
		Price: int64(g.between(0, 3)), Currency: "EUR", StartsAt: g.now,
		Hold:  int64(g.between(1, 4000)) * int64(time.Millisecond),
		Grace: int64(g.between(0, 1000)) * int64(time.Millisecond),
	}
	if !g.oneIn(4) {
		s.Waitlist = uint32(g.between(0, 6))
	}
	if g.oneIn(8) { // roomy: one user may make all the orders that a user may
		s.Quantity, s.Cap = 200, sequencer.CapMax
	}
	s.SkipUnfit, s.Test, s.BuysPerSecond = g.oneIn(3), g.oneIn(5), uint32(g.between(0, 2))
	if last := id[len(id)-1]; last%4 == 3 { // follows from the id, so that the seeds stay what they were
		s.PseudonymKey = sequencer.PseudonymKeyID(1 + last/4%2)
	}
	if g.oneIn(4) {
		s.Zone = "Europe/Berlin"
	}
	if g.oneIn(3) {
		s.ExpiredHoldsMax, s.CoolDown = uint8(g.between(1, 3)), int64(g.between(1, 20))*int64(time.Second)
	}
	switch {
	case g.oneIn(6):
		s.StartsAt = 0
	case g.oneIn(3):
		s.StartsAt += int64(g.between(0, 2000)) * int64(time.Millisecond)
	}
	return s
}

// perhapsBad breaks a spec's encoding, rarely: its cap is 0, or it is cut.
func (g *generator) perhapsBad(body []byte) []byte {
	switch g.random.IntN(40) {
	case 0:
		body[2] = 0
	case 1:
		return body[:g.random.IntN(len(body))]
	}
	return body
}

// actor returns who gives a command: mostly somebody.
func (g *generator) actor() []byte {
	switch g.random.IntN(60) {
	case 0:
		return []byte{'a', 0xff}
	case 1:
		return []byte(strings.Repeat("a", sequencer.UserBytesMax+g.random.IntN(2)))
	}
	return [][]byte{nil, []byte("sella")}[g.random.IntN(2)]
}

func (g *generator) saleCommand() sequencer.Command {
	if len(g.openSales()) < 4 && g.model.SaleCount() < salesOfSeed && g.oneIn(3) {
		return g.create()
	}
	c := sequencer.Command{Sale: g.pickSale(), Actor: g.actor()}
	view, _ := g.model.Sale(c.Sale)
	switch n := g.random.IntN(20); {
	case n < 3:
		c.Kind = sequencer.KindSalePause
		g.perhapsSeen(&c, &view)
	case n < 7:
		c.Kind = sequencer.KindSaleResume
		g.perhapsSeen(&c, &view)
	case n < 8 && !(g.calm && g.model.Seq() < 600):
		c.Kind = sequencer.KindSaleClose
	case n < 9 && !(g.calm && g.model.Seq() < 900):
		c.Kind = sequencer.KindSaleCancel
	case n < 14:
		return g.quantity(c, &view)
	case n < 17:
		c.Kind, c.Amount = sequencer.KindSaleRelease, int64(g.between(0, int(view.Withheld)+1))
	default:
		return g.update(c, &view)
	}
	return c
}

// perhapsSeen lets a command be for the sale's newest revision alone, or for the one before.
func (g *generator) perhapsSeen(c *sequencer.Command, view *sequencer.SaleView) {
	if g.oneIn(3) {
		c.Revision = view.Revision - uint32(g.between(0, 1))
	}
}

// quantity asks for more tickets, fewer, as few as are taken, or one fewer yet.
func (g *generator) quantity(c sequencer.Command, view *sequencer.SaleView) sequencer.Command {
	c.Kind, c.Amount = sequencer.KindSaleQuantity, int64(g.between(-3, 3))
	g.perhapsSeen(&c, view)
	switch {
	case g.oneIn(4):
		c.Amount = -int64(view.Available) - int64(g.between(0, 1))
	case g.oneIn(20):
		c.Amount = sequencer.TicketsMax + int64(g.between(0, 1))
	case g.oneIn(20):
		c.Amount = -1 << 63
	}
	return c
}

func (g *generator) update(c sequencer.Command, view *sequencer.SaleView) sequencer.Command {
	id := view.ID
	if id == "" || g.oneIn(10) {
		id = "other"
	}
	spec := g.spec(id)
	if id == view.ID && g.oneIn(2) { // what may change while the sale runs
		terms := view.SaleSpec
		terms.Waitlist, terms.Hold, terms.SkipUnfit = spec.Waitlist, spec.Hold, spec.SkipUnfit
		terms.ExpiredHoldsMax, terms.CoolDown, terms.Zone = spec.ExpiredHoldsMax, spec.CoolDown, spec.Zone
		terms.BuysPerSecond = spec.BuysPerSecond
		if g.oneIn(2) {
			terms.Price, terms.Currency = spec.Price, spec.Currency // while it is nobody's
		}
		spec = terms
	}
	g.perhapsSeen(&c, view)
	c.Kind, c.Body = sequencer.KindSaleUpdate, g.perhapsBad(sequencer.AppendSaleSpec(nil, &spec))
	return c
}

// malformed returns what a decoder makes of a bad command, or one that has
// bounds to break.
func (g *generator) malformed() sequencer.Command {
	switch g.random.IntN(3) {
	case 0:
		return sequencer.Command{}
	case 1:
		return sequencer.Command{Kind: sequencer.KindSaleExtend, Sale: 1, Amount: sequencer.DurationMax + 1}
	}
	return sequencer.Command{Kind: sequencer.KindSaleCreate, Body: []byte{9, 9}}
}
