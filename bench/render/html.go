package render

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"onsale/audit/report/page"
	"onsale/bench/result"
)

// What the page is made of besides what all our pages are.
var (
	//go:embed assets/bench.html
	pageTemplate string
	//go:embed assets/bench.css
	pageStyle template.CSS
	//go:embed assets/bench.js
	pageScript template.JS
)

// content is what the template shows.
type content struct {
	*result.Document
	Facts    [][2]string
	Groups   []group
	Peers    []peerRow
	Sections []section
	Raw      []rawRow
	Failed   []string
	Curves   []result.Curve // of all sections, in their order
}

// section is charts under a heading.
type section struct {
	ID, Title, Text string
	Charts          []chart
}

// chart is a curve and its place among all.
type chart struct {
	Index int
	result.Curve
}

// HTML writes a document as one page that stands for itself.
func HTML(d *result.Document) ([]byte, error) {
	c := contentOf(d)
	p := page.Page{
		Title: "onsale: what was measured, " + d.Started.Format("2006-01-02"), Body: pageTemplate, Functions: functions, Content: c,
		Style: pageStyle, Data: c.Curves, Script: pageScript,
	}
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// functions are what the template calls.
var functions = template.FuncMap{
	"short": result.Short, "loads": loads, "utc": func(s *result.Step) string { return s.Started.Format("15:04:05") },
	"minutes": func(seconds float64) string { return fmt.Sprintf("%d:%02d", int(seconds)/60, int(seconds)%60) },
	"axis":    axisText, "part": func(part float64) template.CSS { return template.CSS(fmt.Sprintf("--part:%.4f", part)) },
}

func contentOf(d *result.Document) *content {
	c := &content{Document: d, Facts: facts(d), Groups: groups(d), Peers: peerRows(d), Raw: rawRows(d), Failed: d.Failed(), Sections: sections(d)}
	for i := range c.Sections {
		for j := range c.Sections[i].Charts {
			c.Sections[i].Charts[j].Index = len(c.Curves)
			c.Curves = append(c.Curves, c.Sections[i].Charts[j].Curve)
		}
	}
	return c
}

// axisText names an axis with its unit, unless the label ends in it: "waiting orders".
func axisText(a result.Axis) string {
	if strings.HasSuffix(a.Label, a.Unit) {
		return a.Label
	}
	return a.Label + ", " + a.Unit
}

// Figures returns how many goals of a target are met, and how many there are.
func (g *group) Figures() string {
	met, judged, measured := 0, 0, 0
	for _, r := range g.Rows {
		if r.Goal == "" {
			continue
		}
		judged++
		if r.Met {
			met++
		}
		if r.Met || r.Missed {
			measured++
		}
	}
	if measured == 0 {
		return g.Rows[0].Verdict
	}
	return fmt.Sprintf("%d of %d", met, judged)
}

// State is how the page colours a target: met when every goal is.
func (g *group) State() string {
	state := "met"
	for _, r := range g.Rows {
		switch {
		case r.Missed:
			return "missed"
		case r.Goal != "" && !r.Met:
			state = "none"
		}
	}
	return state
}

// State is how the page colours a figure.
func (r *row) State() string {
	switch {
	case r.Missed:
		return "missed"
	case r.Met:
		return "met"
	}
	return "none"
}
