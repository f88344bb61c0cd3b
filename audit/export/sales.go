package export

import (
	"time"

	"onsale/audit/follow"
	"onsale/sequencer"
)

// bookSales puts the sales that a block's sellers changed, with the change.
func (b *Books) bookSales(block *follow.Block) {
	for i := range block.Decisions.Results {
		c, r := &block.Batch.Commands[i], &b.decided.Results[i]
		if c.Kind < sequencer.KindSaleCreate || c.Kind > sequencer.KindSaleExtend || r.Code != sequencer.CodeOK || r.Replayed {
			continue
		}
		sale, _ := b.state.Sale(r.Sale)
		b.rows.Put(SaleChanges, Row{int64(r.Seq), sale.ID, c.Kind.String(), text(string(c.Actor)), c.Amount, b.position.At})
		b.putSale(&sale)
	}
	if minute := b.position.At.Truncate(time.Minute); minute != b.looked {
		b.looked = minute
		b.bookTime()
	}
}

// shown is what time alone changes of a sale's row.
type shown struct {
	status        string
	closedThrough Day
}

// bookTime puts the sales that have opened since, and those whose day has ended. It is called once
// a minute of the log: there may be thousands of sales.
func (b *Books) bookTime() {
	for number := uint16(1); b.has(number); number++ {
		if sale, _ := b.state.Sale(number); b.shows(&sale) != b.sales[number] {
			b.putSale(&sale)
		}
	}
}

func (b *Books) shows(v *sequencer.SaleView) shown {
	return shown{v.Status(b.position.At.UnixNano()).String(), b.closedThrough(v)}
}

// closedThrough is the last day that is over where the sale is: no movement of it comes any more.
func (b *Books) closedThrough(sale *sequencer.SaleView) Day {
	return b.day(sale.Zone, b.position.At.AddDate(0, 0, -1))
}

func (b *Books) putSale(v *sequencer.SaleView) {
	is := b.shows(v)
	b.sales[v.Number] = is
	b.rows.Put(Sales, Row{int64(v.Number), v.ID, v.Item, is.status, int64(v.Quantity), int64(v.Cap), int64(v.Waitlist),
		v.Price, v.Currency, instant(v.StartsAt), v.Hold / int64(time.Second), v.Zone, v.Test, instant(v.CreatedAt), int64(v.Revision), text(v.ChangedBy),
		int64(v.ChangedSeq), instant(v.ChangedAt), is.closedThrough})
}
