package report

import (
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/text/currency"
)

// number spells a count with its thousands apart.
func number[N ~int | ~int64 | ~uint32 | ~uint64](n N) string {
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

// money spells an amount of minor units in its currency: 490000 is 4,900.00 EUR,
// and 490000 JPY, which has none. A code that is no currency stays in minor units.
func money(minor int64, code string) string {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return number(minor) + " minor units of " + code
	}
	scale, _ := currency.Standard.Rounding(unit)
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
