package sequencer

import (
	"fmt"
	"strings"
)

const (
	nanosecondsASecond = 1_000_000_000
	nanosecondsADay    = 24 * 60 * 60 * nanosecondsASecond
)

// spellDuration writes nanoseconds as the HTTP API and the command line take them, such as
// 1h30m0s or 0.5s: nobody who reads an error counts nanoseconds.
func spellDuration(nanoseconds int64) string {
	sign, rest := "", uint64(nanoseconds)
	if nanoseconds < 0 {
		sign, rest = "-", -rest
	}
	fraction, seconds := rest%nanosecondsASecond, rest/nanosecondsASecond
	text := strings.TrimRight(fmt.Sprintf("%d.%09d", seconds%60, fraction), "0")
	text = strings.TrimSuffix(text, ".") + "s"

	switch minutes := seconds / 60; {
	case minutes >= 60:
		return fmt.Sprintf("%s%dh%dm%s", sign, minutes/60, minutes%60, text)
	case minutes > 0:
		return fmt.Sprintf("%s%dm%s", sign, minutes, text)
	}
	return sign + text
}

// spellTime writes nanoseconds since the Unix epoch as RFC 3339 in UTC, cut to seconds. Years
// are counted from March, so that the day that some have more comes last.
func spellTime(nanoseconds int64) string {
	days, rest := nanoseconds/nanosecondsADay, nanoseconds%nanosecondsADay
	if rest < 0 {
		days, rest = days-1, rest+nanosecondsADay
	}
	const daysOf400Years, daysBefore1970 = 146_097, 719_468 // since 1 March of the year 0
	days += daysBefore1970
	period, day := days/daysOf400Years, days%daysOf400Years
	year := (day - day/1460 + day/36_524 - day/(daysOf400Years-1)) / 365
	day -= 365*year + year/4 - year/100
	month := (5*day + 2) / 153
	day -= (153*month + 2) / 5

	year += 400 * period
	if month += 3; month > 12 {
		year, month = year+1, month-12
	}
	second := rest / nanosecondsASecond
	return fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day+1, second/3600, second/60%60, second%60)
}
