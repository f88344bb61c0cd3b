// Package amount spells counts and money as people read them, and knows the currencies.
//
// It trades off speed and languages: a number is spelled for a page or a table, with commas
// for the thousands and a point for the decimals, wherever it is read.
package amount

import (
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/text/currency"
)

// Number spells a count with its thousands apart.
func Number[N ~int | ~int64 | ~uint32 | ~uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	return sign + apart(digits)
}

// apart puts a comma after every thousand.
func apart(digits string) string {
	spelled := []byte(digits)
	for i := len(spelled) - 3; i > 0; i -= 3 {
		spelled = slices.Insert(spelled, i, ',')
	}
	return string(spelled)
}

// decimals are those of ISO 4217's list one that do not have two. CLDR, whose figures
// golang.org/x/text has, leaves decimals out where nobody pays with them (COP, IDR, RSD): of an
// amount in ISO 4217's minor units it would be wrong by a hundred.
var decimals = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "VND": 0, "VUV": 0,
	"XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// Money spells an amount of minor units in its currency: 490000 is 4,900.00 EUR,
// and 490000 JPY, which has none. A code that is no currency stays in minor units.
func Money(minor int64, code string) string {
	if _, err := currency.ParseISO(code); err != nil {
		return Number(minor) + " minor units of " + code
	}
	scale, special := decimals[code]
	if !special {
		scale = 2
	}
	digits := fmt.Sprintf("%0*d", scale+1, max(minor, -minor))
	whole := apart(digits[:len(digits)-scale])
	if scale > 0 {
		whole += "." + digits[len(digits)-scale:]
	}
	if minor < 0 {
		whole = "-" + whole
	}
	return whole + "\u00a0" + code // kept on one line
}

// IsCurrency reports whether a code is one of ISO 4217 that something can be sold for today:
// "ZZZ" and "XTS" are not, nor is "DEM".
func IsCurrency(code string) bool {
	for in := currency.Query(); in.Next(); {
		if in.Unit().String() == code {
			return true
		}
	}
	return false
}
