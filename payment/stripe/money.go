package stripe

import (
	"fmt"

	"onsale/internal/amount"
)

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

// chargeMax is the largest amount of a charge in Stripe's units, and least the smallest of
// those currencies that have one (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
// An account that settles in another currency may have a higher one.
const chargeMax = 99_999_999

var least = map[string]int64{
	"AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400,
	"HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50,
	"THB": 1000, "USD": 50,
}

// Chargeable says why Stripe would refuse to charge an amount in ISO 4217's minor units,
// whatever the card; nil when nothing speaks against it.
func (p *Provider) Chargeable(minor int64, currency string) error {
	theirs, err := toStripe(minor, currency)
	switch {
	case err != nil:
		return err
	case theirs < least[currency]:
		return fmt.Errorf("%w: the least that it charges is %s", errRefused, amount.Money(fromStripe(least[currency], currency), currency))
	case theirs > chargeMax:
		return fmt.Errorf("%w: the most that it charges is %s", errRefused, amount.Money(fromStripe(chargeMax, currency), currency))
	}
	return nil
}

// toStripe turns an amount in ISO 4217's minor units into Stripe's; errRefused when
// Stripe cannot charge it.
func toStripe(minor int64, currency string) (int64, error) {
	switch {
	case minor <= 0:
		return 0, fmt.Errorf("%w: %s", errRefused, amount.Money(minor, currency))
	case hundredfold[currency]:
		return minor * 100, nil
	case whole[currency] && minor%100 != 0, tens[currency] && minor%10 != 0:
		return 0, fmt.Errorf("%w: %s is not a round amount", errRefused, amount.Money(minor, currency))
	case whole[currency]:
		return minor / 100, nil
	}
	return minor, nil
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
