package stripe

import (
	"errors"
	"strings"
	"testing"
)

func TestChargeable(t *testing.T) {
	p := new(Provider)
	for _, c := range []struct {
		amount   int64
		currency string
		taken    bool
	}{
		{50, "EUR", true}, {49, "EUR", false}, {30, "GBP", true}, {12345, "KWD", false}, {12340, "KWD", true}, {50, "JPY", true}, {49, "JPY", false},
		{1, "XAF", true}, {99_999_999, "USD", true}, {100_000_000, "USD", false}, {999_999, "ISK", true}, {1_000_000, "ISK", false},
	} {
		if err := p.Chargeable(c.amount, c.currency); (err == nil) != c.taken || err != nil && !errors.Is(err, errRefused) {
			t.Errorf("%d %s: %v", c.amount, c.currency, err)
		}
	}
}

// Who sets a price reads money in its currency.
func TestChargeableInWords(t *testing.T) {
	for want, c := range map[string]struct {
		amount   int64
		currency string
	}{
		"the least that it charges is 0.50\u00a0EUR": {30, "EUR"}, "the most that it charges is 999,999\u00a0ISK": {1_000_000, "ISK"},
		"12.345\u00a0KWD is not a round amount": {12345, "KWD"},
	} {
		if err := new(Provider).Chargeable(c.amount, c.currency); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

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
