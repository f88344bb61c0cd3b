package render

import (
	"errors"
	"fmt"
	"strings"

	"onsale/bench/result"
)

// The marks between which the README's table is.
const (
	readmeBegin = "<!-- bench: begin -->\n"
	readmeEnd   = "<!-- bench: end -->"
)

// ErrMarks is returned when a file has no place for the table.
var ErrMarks = errors.New("it has no line <!-- bench: begin --> before <!-- bench: end -->")

// Markdown writes a document as the README's table: what has a target.
func Markdown(d *result.Document) string {
	var b strings.Builder
	b.WriteString("Written by `make bench`; not edited by hand.\n\n")
	for _, fact := range facts(d) {
		fmt.Fprintf(&b, "- %s: %s\n", fact[0], fact[1])
	}
	b.WriteString("\n| | what | | target | measured | ratio to | |\n|---|---|---|---|---|---|---|\n")
	for _, g := range groups(d) {
		for _, r := range g.Rows {
			if r.Goal == "" {
				continue
			}
			against := strings.TrimSpace(r.Ratio + " " + r.Against)
			cells := []string{r.Target, r.What, r.Phase, r.Goal, r.Measured, against, r.Verdict}
			for i := range cells {
				cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
			}
			b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		}
	}
	return b.String()
}

// IntoReadme puts a document's table in the place of the one that is there.
func IntoReadme(readme string, d *result.Document) (string, error) {
	before, rest, found := strings.Cut(readme, readmeBegin)
	_, after, foundEnd := strings.Cut(rest, readmeEnd)
	if !found || !foundEnd {
		return "", ErrMarks
	}
	return before + readmeBegin + Markdown(d) + readmeEnd + after, nil
}
