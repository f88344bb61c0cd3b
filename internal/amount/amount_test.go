package amount_test

import (
	"testing"

	"onsale/internal/amount"
)

func TestIsCurrency(t *testing.T) {
	for _, code := range []string{"EUR", "USD", "JPY", "KWD", "ISK", "XAF", "CHF", "GBP", "UGX", "MGA"} {
		if !amount.IsCurrency(code) {
			t.Errorf("%s is one", code)
		}
	}
	for _, code := range []string{"", "ZZZ", "XTS", "XXX", "DEM", "eur", "EURO", "XAU", "USN"} {
		if amount.IsCurrency(code) {
			t.Errorf("%s is none", code)
		}
	}
}

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		minor int64
		code  string
		want  string
	}{
		{0, "EUR", "0.00\u00a0EUR"}, {5, "EUR", "0.05\u00a0EUR"}, {490000, "USD", "4,900.00\u00a0USD"}, {-123456789, "CHF", "-1,234,567.89\u00a0CHF"},
		{490000, "JPY", "490,000\u00a0JPY"}, {1234567, "KWD", "1,234.567\u00a0KWD"}, {490000, "COP", "4,900.00\u00a0COP"}, {1234567, "IQD", "1,234.567\u00a0IQD"}, {5, "ISK", "5\u00a0ISK"}, {50, "MGA", "0.50\u00a0MGA"}, {-5, "JPY", "-5\u00a0JPY"}, {1000, "ZZZ", "1,000 minor units of ZZZ"},
	} {
		if got := amount.Money(c.minor, c.code); got != c.want {
			t.Errorf("%d %s is %q, want %q", c.minor, c.code, got, c.want)
		}
	}
}
