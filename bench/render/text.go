package render

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"onsale/bench/result"
)

// row is a figure as every table shows it.
type row struct {
	Target, What, Phase, Goal, Measured, Ratio, Against, Spread, Verdict, Detail, Bound string
	Met, Missed                                                                         bool
	// Span is how many rows from here on have the same bound; 0 within them.
	Span int
}

// group is a target with its figures.
type group struct {
	result.Target
	Rows []row
}

// groups are all targets. What the profile leaves out, or nobody measured, says so.
func groups(d *result.Document) []group {
	var list []group
	for _, target := range result.Targets {
		g := group{Target: target}
		for _, definition := range result.DefinitionsOf(target.ID) {
			g.Rows = append(g.Rows, rowOf(d, &definition))
		}
		g.span()
		list = append(list, g)
	}
	return list
}

// span joins rows that follow each other and have the same bound.
func (g *group) span() {
	first := 0
	for i := range g.Rows {
		if g.Rows[i].Bound != g.Rows[first].Bound {
			first = i
		}
		g.Rows[first].Span++
	}
}

func rowOf(d *result.Document, definition *result.Definition) row {
	r := row{Target: definition.Target(), What: definition.What, Phase: definition.Phase, Goal: definition.GoalText(), Against: definition.Against, Bound: definition.Bound,
		Measured: "–", Verdict: "not measured"}
	f, found := d.Find(definition.ID)
	if !found {
		if definition.FullOnly && d.Profile != "full" {
			r.Verdict = "full run only"
		}
		return r
	}
	r.Measured, r.Ratio, r.Spread, r.Verdict, r.Detail = f.MeasuredText(), f.RatioText(), f.SpreadText(), f.VerdictText(), f.Detail
	v := f.Judge()
	r.Met, r.Missed = v.Judged && v.Met, v.Judged && !v.Met
	if f.Error != "" {
		r.Missed, r.Detail = true, f.Error
	}
	return r
}

// facts says in a few lines where and of what a document is.
func facts(d *result.Document) [][2]string {
	m := &d.Machine
	list := [][2]string{
		{"machine", fmt.Sprintf("%s, %d cores, %s GiB; servers and load share it", m.CPU, m.Cores, result.Spell(float64(m.MemoryBytes>>30), ""))},
		{"kernel, disk, Go", fmt.Sprintf("%s, %s on %s, %s %s", m.Kernel, m.FileSystem, m.Disk, m.Go, m.System)},
		{"commit", d.Source.String()},
		{"durability", d.Durability},
		{"nodes", "one or three, as each line says"},
		{"measured", fmt.Sprintf("%s to %s UTC, %s profile", d.Started.Format("2006-01-02 15:04"), d.Finished.Format("15:04"), d.Profile)},
		{"load average", fmt.Sprintf("%s before, %s after", loads(d.LoadBefore), loads(d.LoadAfter))},
	}
	if failed := d.Failed(); len(failed) > 0 {
		list = append(list, [2]string{"failed steps", strings.Join(failed, ", ")})
	}
	if others := otherSources(d); others != "" {
		list = append(list, [2]string{"other commits", others})
	}
	return list
}

func loads(l [3]float64) string { return fmt.Sprintf("%.2f %.2f %.2f", l[0], l[1], l[2]) }

// otherSources names the steps that were measured of another commit than the document's.
func otherSources(d *result.Document) string {
	var others []string
	for i := range d.Steps {
		if s := &d.Steps[i]; s.Source != d.Source {
			others = append(others, s.ID+" of "+s.Source.String())
		}
	}
	return strings.Join(others, ", ")
}

// Text writes a document for a terminal.
func Text(d *result.Document) string {
	var b strings.Builder
	for _, fact := range facts(d) {
		fmt.Fprintf(&b, "%-17s %s\n", fact[0], fact[1])
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"", "what", "", "target", "measured", "ratio", "to", "rounds", ""})
	for _, g := range groups(d) {
		t.AppendSeparator()
		for _, r := range g.Rows {
			t.AppendRow(table.Row{r.Target, r.What, r.Phase, r.Goal, r.Measured, r.Ratio, r.Against, r.Spread, r.Verdict})
		}
	}
	b.WriteString(t.Render())
	return b.String()
}
