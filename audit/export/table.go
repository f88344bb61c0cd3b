package export

import (
	"cmp"
	"fmt"
	"slices"
)

// Table is a table of the export: its columns, of which the first Key are its key. Rows are
// replaced by their key unless the table is append-only.
type Table struct {
	Name       string
	Columns    []string
	Key        int
	AppendOnly bool
}

// Compare compares the keys of two rows, which are whole numbers.
func (t *Table) Compare(a, b Row) int {
	for i := range t.Key {
		x, isX := a[i].(int64)
		y, isY := b[i].(int64)
		if !isX || !isY {
			panic(fmt.Sprintf("a key of %s is %T or %T", t.Name, a[i], b[i]))
		}
		if order := cmp.Compare(x, y); order != 0 {
			return order
		}
	}
	return 0
}

// Column returns a column's place.
func (t *Table) Column(name string) int {
	at := slices.Index(t.Columns, name)
	if at < 0 {
		panic("there is no column " + name + " in " + t.Name)
	}
	return at
}

// Row is a table's values, in the order of its columns: int64, string, bool, time.Time (UTC,
// microseconds), Day, or nil. Money is in minor units of its currency.
type Row []any

// Day is a date, as 2026-11-30.
type Day string

// The tables.
var (
	Births = &Table{Name: "births", Key: 1, AppendOnly: true, Columns: []string{"number", "id", "cause", "first_seq", "height", "at"}}
	Sales  = &Table{Name: "sales", Key: 1, Columns: []string{"number", "id", "item", "status", "quantity", "cap", "waitlist", "price", "currency",
		"starts_at", "hold_seconds", "zone", "test", "created_at", "revision", "changed_by", "changed_seq", "changed_at", "closed_through"}}
	SaleChanges = &Table{Name: "sale_changes", Key: 1, AppendOnly: true, Columns: []string{"seq", "sale", "verb", "actor", "amount", "at"}}
	Orders      = &Table{Name: "orders", Key: 1, Columns: []string{"seq", "uid", "sale", "user_ref", "reference", "state", "requested", "quantity",
		"attempts", "reason", "dispute", "first_ticket", "tickets", "created_at", "expires_at", "changed_height", "changed_at"}}
	Payments = &Table{Name: "payments", Key: 2, Columns: []string{"order_seq", "attempt", "sale", "state", "reason", "amount", "currency", "account",
		"begun_at", "decided_at", "captured_at", "returned_at"}}
	Movements = &Table{Name: "movements", Key: 2, AppendOnly: true, Columns: []string{"height", "place", "at", "day", "sale", "order_seq", "attempt", "kind",
		"amount", "currency"}}
)

// Tables are all of them, those that others refer to first.
func Tables() []*Table { return []*Table{Births, Sales, SaleChanges, Orders, Payments, Movements} }
