package stripe

import (
	"errors"
	"testing"
)

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		currency     string
		ours, theirs int64
	}{
		{"EUR", 4900, 4900}, {"JPY", 500, 500}, {"KRW", 500, 500}, {"ISK", 5, 500}, {"UGX", 5, 500}, {"MGA", 500, 5}, {"KWD", 5120, 5120}, {"HUF", 4550, 4550},
	} {
		if got, err := toStripe(c.ours, c.currency); got != c.theirs || err != nil {
			t.Errorf("%d %s to Stripe: %d, %v", c.ours, c.currency, got, err)
		}
		if got := fromStripe(c.theirs, c.currency); got != c.ours {
			t.Errorf("%d %s from Stripe: %d", c.theirs, c.currency, got)
		}
	}
	for currency, amount := range map[string]int64{"KWD": 5124, "MGA": 550, "EUR": 0} {
		if got, err := toStripe(amount, currency); !errors.Is(err, errRefused) {
			t.Errorf("%d %s: %d, %v", amount, currency, got, err)
		}
	}
}
