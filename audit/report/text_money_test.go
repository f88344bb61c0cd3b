package report

import (
	"testing"

	"onsale/api/contract"
)

// Sums of money in which journal and replica differ are spelled for people, other numbers and
// what is absent as they are.
func TestMismatchInCurrency(t *testing.T) {
	for want, m := range map[string]contract.Mismatch{
		"money.gross is 4,900.00\u00a0EUR by the journal, 0.05\u00a0EUR by the replica": {Field: "money.gross", Journal: "490000", Replica: "5"},
		"money.net is 1.00\u00a0EUR by the journal, absent by the replica":              {Field: "money.net", Journal: "100"},
		`money.currency is "EUR" by the journal, "USD" by the replica`:                  {Field: "money.currency", Journal: `"EUR"`, Replica: `"USD"`},
		"tickets.sold is 7000 by the journal, 8 by the replica":                         {Field: "tickets.sold", Journal: "7000", Replica: "8"},
	} {
		if got := inCurrency(m, "EUR").String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
