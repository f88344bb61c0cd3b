package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"onsale/bench"
)

// The marks between which a page's table is.
const (
	tableBegin = "<!-- bench: begin -->\n"
	tableEnd   = "<!-- bench: end -->"
)

// errNoMarks is returned when a page has no place for the table.
var errNoMarks = errors.New("it has no line <!-- bench: begin --> before <!-- bench: end -->")

// pages are what has a document's figures: the README the few that tell most.
var pages = []struct {
	path  string
	brief bool
}{{"README.md", true}, {"docs/measurements.md", false}}

// publish writes a document's tables into the pages below root.
func (d *document) publish(root string) error {
	for _, p := range pages {
		path := filepath.Join(root, p.path)
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed, err := insert(string(old), d.markdown(p.brief))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// insert puts a table in the place of the one that is there.
func insert(page, table string) (string, error) {
	before, rest, found := strings.Cut(page, tableBegin)
	_, after, foundEnd := strings.Cut(rest, tableEnd)
	if !found || !foundEnd {
		return "", errNoMarks
	}
	return before + tableBegin + table + tableEnd + after, nil
}

// markdown writes a document's figures with a target as a table; of them those in the
// README alone when brief.
func (d *document) markdown(brief bool) string {
	var b strings.Builder
	b.WriteString("Written by `make bench`; not edited by hand.\n\n")
	for _, fact := range d.summary() {
		if !brief || slices.Contains([]string{"machine", "commit", "measured"}, fact.name) {
			fmt.Fprintf(&b, "- %s: %s\n", fact.name, fact.value)
		}
	}

	b.WriteString("\n| | what | | target | measured | ratio to | |\n|---|---|---|---|---|---|---|\n")
	for i := range definitions {
		definition := &definitions[i]
		if definition.goal.kind != noGoal && (!brief || definition.set&inReadme != 0) {
			b.WriteString(tableRow(d.cells(definition)))
		}
	}
	if !brief {
		b.WriteString(d.marksTable(peerMark))
	}
	return b.String()
}

// summary says in a few lines where and of what a document is.
func (d *document) summary() pairs {
	s, f := d.settings, d.facts
	list := pairs{
		{"machine", fmt.Sprintf("%s, %s cores, %s GiB; servers and load share it", s.get("cpu"), s.get("cores"),
			s.get("memory-gib"))},
		{"kernel, disk, Go", fmt.Sprintf("%s, %s on %s, %s %s/%s", s.get("kernel"), s.get("file-system"), s.get("disk"),
			s.get("go"), s.get("goos"), s.get("goarch"))},
		{"commit", f.get(commitKey)},
		{"durability", "fsync on a majority's disks before every answer"},
		{"nodes", "one or three, as each line says"},
		{"measured", f.get(startedKey) + " to " + f.get(finishedKey) + ", " + s.get(profileKey) + " profile"},
		{"load average", f.get(loadBeforeKey) + " before, " + f.get(loadAfterKey) + " after"},
	}
	if failed := d.failed(); len(failed) > 0 {
		list = append(list, pair{"failed steps", strings.Join(failed, ", ")})
	}
	return list
}

// cells are a figure as tables show it. What the profile leaves out, or nobody measured,
// says so.
func (d *document) cells(definition *definition) []string {
	measured, ratio, verdict := "–", "", "not measured"
	if f, found := d.find(definition.id); found {
		measured, ratio, verdict = f.measuredText(), f.ratioText(), f.verdict()
	} else if definition.set&fullOnly != 0 && d.settings.get(profileKey) != full().name {
		verdict = "full run only"
	}
	target, _, _ := strings.Cut(definition.id, ".")
	return []string{target, definition.what, definition.phase, definition.goalText(), measured,
		strings.TrimSpace(ratio + " " + definition.against), verdict}
}

// marksTable shows the lines whose names begin so, which have the same units: what their
// names say, and the medians of the rounds.
func (d *document) marksTable(prefix string) string {
	var names, units []string
	rounds := map[string][]float64{} // by name and unit
	for i := range d.steps {
		for _, m := range d.steps[i].lines {
			if !strings.HasPrefix(m.name, prefix) {
				continue
			}
			if !slices.Contains(names, m.name) {
				names = append(names, m.name)
			}
			units = units[:0]
			for _, v := range m.values {
				units = append(units, v.unit)
				rounds[m.name+v.unit] = append(rounds[m.name+v.unit], v.number)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}

	header := append([]string{"name", "phase"}, units...)
	table := "\n" + tableRow(header) + strings.Repeat("|---", len(header)) + "|\n"
	for _, name := range names {
		var cells []string
		for _, part := range strings.Split(name, "/")[1:] {
			_, value, _ := strings.Cut(part, "=")
			cells = append(cells, strings.ReplaceAll(value, "_", " "))
		}
		for _, unit := range units {
			cells = append(cells, digits(bench.Median(rounds[name+unit])))
		}
		table += tableRow(cells)
	}
	return table
}

func tableRow(cells []string) string { return "| " + strings.Join(cells, " | ") + " |\n" }
