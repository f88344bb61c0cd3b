package capacity

import (
	"errors"
	"fmt"
	"strings"
)

// ErrMarks is returned when a page has no place for the tables.
var ErrMarks = errors.New("the page has no place for the plan")

// The place between these lines is written anew.
const (
	beginMark = "<!-- plan: begin -->"
	endMark   = "<!-- plan: end -->"
)

// Markdown writes the inputs and a table for each load.
func Markdown(in *Input, loads []Load) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "Measured on %s, commit %s, %s; load average %s.\n\n| measured | value | where |\n|---|---|---|\n", in.Machine, in.Commit, in.Date, in.Load)
	for _, m := range in.All() {
		value := spell(*m)
		if !m.Known {
			value = "not measured"
		}
		fmt.Fprintf(&text, "| %s | %s | %s |\n", m.Name, strings.TrimSpace(value), m.Source)
	}
	for _, l := range loads {
		needs, err := Plan(in, l)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "\n### %s requests at %s a second\n\n%s tickets, %s who wait, %d replicas, %.0f %% of a core.\n\n| needs | | from |\n|---|---|---|\n",
			strings.TrimSpace(si(l.Requests)), strings.TrimSpace(si(l.RequestsPerSecond)), strings.TrimSpace(si(l.Tickets)), strings.TrimSpace(si(l.Waitlist)), l.Replicas, 100*l.Utilisation)
		for _, n := range needs {
			fmt.Fprintf(&text, "| %s | %s | %s |\n", n.What, n.Amount(), n.From)
		}
	}
	return text.String(), nil
}

// Amount is a need as people read it.
func (n *Need) Amount() string {
	if !n.Known {
		return "not measured"
	}
	amount := strings.TrimSpace(plain(n.Value) + " " + n.Unit)
	if n.Beyond {
		amount += " (extrapolated)"
	}
	return amount
}

// Insert puts the tables into a page, in the place of the last ones.
func Insert(page, tables string) (string, error) {
	before, rest, found := strings.Cut(page, beginMark)
	_, after, ended := strings.Cut(rest, endMark)
	if !found || !ended {
		return "", fmt.Errorf("%w: it needs a line %s and a line %s", ErrMarks, beginMark, endMark)
	}
	return before + beginMark + "\n" + tables + endMark + after, nil
}
