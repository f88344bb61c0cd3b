package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// row is a figure as every table shows it.
type row struct {
	definition                               *definition
	measured, ratio, spread, verdict, detail string
}

// rows are all figures, in the order of the targets. What the profile leaves out, or
// nobody measured, says so.
func (d *document) rows() (all []row) {
	for _, t := range targets {
		for _, definition := range definitionsOf(t.id) {
			all = append(all, d.row(definition))
		}
	}
	return all
}

func (d *document) row(definition *definition) row {
	f, found := d.find(definition.id)
	switch {
	case found:
		return row{definition, f.measuredText(), f.ratioText(), f.spreadText(), f.verdictText(), f.detail}
	case definition.set&fullOnly != 0 && d.settings.get(profileKey) != full().name:
		return row{definition: definition, measured: "–", verdict: "full run only"}
	}
	return row{definition: definition, measured: "–", verdict: "not measured"}
}

// summary says in a few lines where and of what a document is.
func (d *document) summary() pairs {
	s, f := d.settings, d.facts
	machine := fmt.Sprintf("%s, %s cores, %s GiB; servers and load share it", s.get("cpu"), s.get("cores"), s.get("memory-gib"))
	kernel := fmt.Sprintf("%s, %s on %s, %s %s/%s", s.get("kernel"), s.get("file-system"), s.get("disk"), s.get("go"), s.get("goos"), s.get("goarch"))
	list := pairs{
		{"machine", machine},
		{"kernel, disk, Go", kernel},
		{"commit", f.get(commitKey)},
		{"durability", "fsync on a majority's disks before every answer"},
		{"nodes", "one or three, as each line says"},
		{"measured", f.get(startedKey) + " to " + f.get(finishedKey) + ", " + s.get(profileKey) + " profile"},
		{"load average", f.get(loadBeforeKey) + " before, " + f.get(loadAfterKey) + " after"},
	}
	if failed := d.failed(); len(failed) > 0 {
		list = append(list, pair{"failed steps", strings.Join(failed, ", ")})
	}
	if others := d.others(); others != "" {
		list = append(list, pair{"other commits", others})
	}
	return list
}

// text writes a document for a terminal.
func (d *document) text() string {
	var b strings.Builder
	for _, fact := range d.summary() {
		fmt.Fprintf(&b, "%-17s %s\n", fact.name, fact.value)
	}

	t := newTable(table.Row{"", "what", "", "target", "measured", "ratio", "to", "rounds", ""})
	last := ""
	for _, r := range d.rows() {
		if r.definition.target() != last {
			t.AppendSeparator()
			last = r.definition.target()
		}
		t.AppendRow(table.Row{last, r.definition.what, r.definition.phase, r.definition.goalText(), r.measured, r.ratio,
			r.definition.against, r.spread, r.verdict})
	}
	b.WriteString(t.Render() + "\n")
	for _, kind := range []string{peerMark, latencyMark} {
		b.WriteString(marksTable(d.marks(kind), table.Writer.Render))
	}
	return b.String()
}

func newTable(header table.Row) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(header)
	return t
}

// marksTable shows lines that have the same units, and what their names say besides.
func marksTable(lines []mark, render func(table.Writer) string) string {
	if len(lines) == 0 {
		return ""
	}
	header := table.Row{}
	for _, part := range strings.Split(lines[0].name, "/")[1:] {
		name, _, _ := strings.Cut(part, "=")
		header = append(header, name)
	}
	for _, v := range lines[0].values {
		header = append(header, v.unit)
	}

	t := newTable(header)
	for i := range lines {
		cells := table.Row{}
		for _, part := range strings.Split(lines[i].name, "/")[1:] {
			_, value, _ := strings.Cut(part, "=")
			cells = append(cells, strings.ReplaceAll(value, "_", " "))
		}
		for _, v := range lines[i].values {
			cells = append(cells, digits(v.number))
		}
		t.AppendRow(cells)
	}
	return render(t) + "\n"
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
	for _, r := range d.rows() {
		if goal := r.definition.goalText(); goal != "" && (!brief || r.definition.set&inReadme != 0) {
			cells := []string{r.definition.target(), r.definition.what, r.definition.phase, goal, r.measured,
				strings.TrimSpace(r.ratio + " " + r.definition.against), r.verdict}
			b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		}
	}
	if brief {
		return b.String()
	}

	if peers := marksTable(d.marks(peerMark), table.Writer.RenderMarkdown); peers != "" {
		b.WriteString("\n" + peers)
	}
	return b.String()
}
