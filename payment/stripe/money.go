package stripe

import "fmt"

// Stripe counts most currencies in ISO 4217's minor units, as we do. These it does not
// (https://docs.stripe.com/currencies#special-cases).
var (
	// hundredfold have no minor unit, and are sent to Stripe with two decimals.
	hundredfold = map[string]bool{"ISK": true, "UGX": true}
	// whole have a minor unit that Stripe does not know.
	whole = map[string]bool{"MGA": true}
	// tens have three decimals, of which the last must be 0.
	tens = map[string]bool{"BHD": true, "IQD": true, "JOD": true, "KWD": true, "LYD": true, "OMR": true, "TND": true}
)

// toStripe turns an amount in ISO 4217's minor units into Stripe's; errRefused when
// Stripe cannot charge it.
func toStripe(amount int64, currency string) (int64, error) {
	switch {
	case amount <= 0:
		return 0, fmt.Errorf("%w: %d %s", errRefused, amount, currency)
	case hundredfold[currency]:
		return amount * 100, nil
	case whole[currency] && amount%100 != 0, tens[currency] && amount%10 != 0:
		return 0, fmt.Errorf("%w: %d %s is not a round amount", errRefused, amount, currency)
	case whole[currency]:
		return amount / 100, nil
	}
	return amount, nil
}

// fromStripe is the way back.
func fromStripe(amount int64, currency string) int64 {
	switch {
	case hundredfold[currency]:
		return amount / 100
	case whole[currency]:
		return amount * 100
	}
	return amount
}
