package localtime

import (
	"errors"
	"testing"
	"time"
)

// A local time is that of its zone; what its clocks leave out is refused, and what they show
// twice needs an offset, which is told.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		zone, text, utc string
		err             error
	}{
		{"Europe/Berlin", "2026-12-01T10:00", "2026-12-01T09:00:00Z", nil},
		{"Europe/Berlin", "2026-07-01 10:00:30", "2026-07-01T08:00:30Z", nil},
		{"Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z", nil},
		{"Europe/Berlin", "2026-03-29T02:00", "", ErrGap},
		{"Europe/Berlin", "2026-03-29T02:59:59", "", ErrGap},
		{"Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z", nil},
		{"Europe/Berlin", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z", nil},
		{"Europe/Berlin", "2026-10-25T02:00", "", ErrFold},
		{"Europe/Berlin", "2026-10-25T02:59:59", "", ErrFold},
		{"Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z", nil},
		{"Europe/Berlin", "2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z", nil},
		{"Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z", nil},
		{"America/New_York", "2026-03-08T02:30", "", ErrGap},
		{"America/New_York", "2026-11-01T01:30", "", ErrFold},
		{"Australia/Lord_Howe", "2026-04-05T01:45", "", ErrFold}, // by half an hour
		{"Australia/Lord_Howe", "2026-10-04T02:15", "", ErrGap},
		{"Pacific/Apia", "2011-12-30T12:00", "", ErrGap}, // a day left out
		{"Asia/Kolkata", "2026-06-01T00:00", "2026-05-31T18:30:00Z", nil},
		{"Pacific/Kiritimati", "2026-06-01T00:00", "2026-05-31T10:00:00Z", nil},
		{"", "2026-06-01T00:00", "2026-06-01T00:00:00Z", nil},
		{"", "tomorrow", "", ErrForm},
		{"", "2026-02-30T00:00", "", ErrForm},
	} {
		place, err := Zone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := Parse(c.text, place)
		if !errors.Is(err, c.err) || c.err == nil && at.UTC().Format(time.RFC3339) != c.utc {
			t.Errorf("%s in %q: %s, %v", c.text, c.zone, at.UTC(), err)
		}
	}
}

// Each hour of years around is read as what it shows, or comes twice.
func TestParseReadsWhatIsShown(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tehran", "UTC"} {
		place, err := Zone(zone)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2020, 1, 1, 0, 10, 0, 0, time.UTC); at.Year() < 2028; at = at.Add(31 * time.Minute) {
			text := at.In(place).Format(layouts[0])
			switch got, err := Parse(text, place); {
			case errors.Is(err, ErrFold):
			case err != nil || !got.Equal(at):
				t.Fatalf("%s in %s: %s is read as %s, %v", at, zone, text, got, err)
			}
		}
	}
}

// A zone is one of the IANA's, the same on each machine; a time in an unknown one is shown in UTC.
func TestZones(t *testing.T) {
	for _, name := range []string{"Local", "Europe/Nowhere", "../etc/passwd", "CEST"} {
		if _, err := Zone(name); !errors.Is(err, ErrZone) {
			t.Errorf("%q: %v", name, err)
		}
	}
	at := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{"Europe/Berlin": "2026-10-25T02:30:00+02:00", "": "2026-10-25T00:30:00Z", "Europe/Nowhere": "2026-10-25T00:30:00Z"} {
		if got := Show(at, zone); got != want {
			t.Errorf("%q: %s, wanted %s", zone, got, want)
		}
	}
	if IsLocal("2026-10-25T00:30:00Z") || !IsLocal("2026-10-25T00:30") || IsLocal("10m") {
		t.Error("a time with an offset is not local, nor is a duration")
	}
}
