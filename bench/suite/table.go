package main

import (
	"fmt"
	"slices"
	"strings"
)

// cells are a figure as tables show it. What the profile leaves out, or nobody measured,
// says so.
func (d *document) cells(definition *definition) []string {
	measured, ratio, verdict := "–", "", "not measured"
	if f, found := d.find(definition.id); found {
		measured, ratio, verdict = f.measuredText(), f.ratioText(), f.verdictText()
	} else if definition.set&fullOnly != 0 && d.settings.get(profileKey) != full().name {
		verdict = "full run only"
	}
	return []string{definition.target(), definition.what, definition.phase, definition.goalText(), measured,
		strings.TrimSpace(ratio + " " + definition.against), verdict}
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

// marksTable shows lines that have the same units, and what their names say besides.
func marksTable(lines []mark) string {
	if len(lines) == 0 {
		return ""
	}
	var header []string
	for _, part := range strings.Split(lines[0].name, "/")[1:] {
		name, _, _ := strings.Cut(part, "=")
		header = append(header, name)
	}
	for _, v := range lines[0].values {
		header = append(header, v.unit)
	}

	table := "\n" + tableRow(header) + strings.Repeat("|---", len(header)) + "|\n"
	for i := range lines {
		var cells []string
		for _, part := range strings.Split(lines[i].name, "/")[1:] {
			_, value, _ := strings.Cut(part, "=")
			cells = append(cells, strings.ReplaceAll(value, "_", " "))
		}
		for _, v := range lines[i].values {
			cells = append(cells, digits(v.number))
		}
		table += tableRow(cells)
	}
	return table
}

func tableRow(cells []string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

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
		b.WriteString(marksTable(d.marks(peerMark)))
	}
	return b.String()
}
