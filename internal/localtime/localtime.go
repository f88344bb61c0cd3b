// Package localtime reads and shows times as the clocks of a place show them. A place is a name
// of the IANA's time zones; "" is UTC. A time that its clocks never show, or show twice, is not
// guessed: it is refused.
package localtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Errors of a time or a zone. The messages say what would do.
var (
	// ErrZone is returned for a name that is no time zone's.
	ErrZone = errors.New("no such time zone")
	// ErrForm is returned for a text that is no time.
	ErrForm = errors.New("no time")
	// ErrGap is returned for a time that is left out where clocks go forward.
	ErrGap = errors.New("there is no such time")
	// ErrFold is returned for a time that comes twice where clocks go back.
	ErrFold = errors.New("that time comes twice")
)

// layouts are the forms of a local time, without an offset.
var layouts = [...]string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"}

// around is how far from a time its zone's offset is looked at: farther than any offset.
const around = 26 * time.Hour

// Zone returns the zone with a name.
func Zone(name string) (*time.Location, error) {
	place, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // which is another one on each machine
		return nil, fmt.Errorf("%w: %q; expected is a name such as Europe/Berlin", ErrZone, name)
	}
	return place, nil
}

// IsLocal reports whether a text is a time without an offset, so that a zone must be known.
func IsLocal(text string) bool {
	_, err := wall(text)
	return err == nil
}

// Parse reads a time with an offset (RFC 3339), or one of a zone's clocks.
func Parse(text string, place *time.Location) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	shown, err := wall(text)
	if err != nil {
		return time.Time{}, err
	}
	switch times := showing(shown, place); len(times) {
	case 0:
		return time.Time{}, fmt.Errorf("%w: the clocks of %s leave %s out", ErrGap, place, text)
	case 1:
		return times[0], nil
	default:
		return time.Time{}, fmt.Errorf("%w in %s: say %s or %s", ErrFold, place,
			times[0].In(place).Format(time.RFC3339), times[1].In(place).Format(time.RFC3339))
	}
}

// wall reads a local time as if it were UTC.
func wall(text string) (time.Time, error) {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %q; expected is 2026-12-01T10:00 of a zone, or 2026-12-01T10:00:00Z", ErrForm, text)
}

// showing returns the times at which the clocks of a place show what a clock of UTC shows at
// shown, the earliest first.
func showing(shown time.Time, place *time.Location) (times []time.Time) {
	for _, near := range [...]time.Time{shown.Add(-around), shown, shown.Add(around)} {
		_, offset := near.In(place).Zone()
		at := shown.Add(-time.Duration(offset) * time.Second)
		_, there := at.In(place).Zone()
		if there == offset && !slices.ContainsFunc(times, at.Equal) {
			times = append(times, at)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// Show spells a time as the clocks of a zone show it, with its offset; of one that this machine
// does not know in UTC.
func Show(at time.Time, zone string) string {
	place, err := Zone(zone)
	if err != nil || strings.TrimSpace(zone) == "" {
		place = time.UTC
	}
	return at.In(place).Format(time.RFC3339)
}
