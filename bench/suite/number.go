package main

import (
	"math"
	"strconv"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// spell writes a number with its unit, in three digits.
func spell(v float64, unit string) string {
	switch unit {
	case "1/s":
		return short(v) + "/s"
	case "":
		return digits(v)
	}
	return digits(v) + " " + unit
}

// short writes large numbers by thousands and millions.
func short(v float64) string {
	switch {
	case math.Abs(v) >= 999_500:
		return digits(v/1e6) + "M"
	case math.Abs(v) >= 9_995:
		return digits(v/1e3) + "k"
	}
	return digits(v)
}

// digits writes three significant digits, and all of a whole number.
func digits(v float64) string {
	a := math.Abs(v)
	switch {
	case v == math.Trunc(v) && a < 1e15:
		return grouped(int64(v))
	case a >= 99.95:
		return grouped(int64(math.Round(v)))
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.0995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func grouped(n int64) string { return message.NewPrinter(language.English).Sprint(n) }
