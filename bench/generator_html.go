package bench

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"onsale/audit/report/page"
)

var (
	//go:embed assets/load.html
	loadTemplate string
	//go:embed assets/load.css
	loadStyle template.CSS
	//go:embed assets/load.js
	loadScript template.JS
)

// loadContent is what the page of a load shows.
type loadContent struct {
	*LoadReport
	Title       string
	LoopName    string
	Missed      string
	Percentiles []string
	Phases      []namedPhase // that had requests
	Data        loadData
}

type namedPhase struct {
	Name string
	*LoadPhase
}

// loadData is what the charts read.
type loadData struct {
	Course []CourseRow `json:"course"`
	Tails  []tail      `json:"tails"`
}

// tail is a phase's latencies by percentile.
type tail struct {
	Phase  string      `json:"phase"`
	Points []tailPoint `json:"points"`
}

type tailPoint struct {
	Percent float64 `json:"percent"`
	Millis  float64 `json:"ms"`
}

// WriteHTML writes the report as one page that stands for itself.
func (r *LoadReport) WriteHTML(w io.Writer) error {
	c := r.content()
	p := page.Page{Title: c.Title, Body: loadTemplate, Functions: loadFunctions, Content: c, Style: loadStyle, Data: c.Data, Script: loadScript}
	return p.Write(w)
}

// loadFunctions are what the template calls.
var loadFunctions = template.FuncMap{
	"fixed": fixed, "whole": func(v float64) string { return fmt.Sprintf("%.0f", v) },
	"time": func(t time.Time) string { return t.Format("2 January 2006, 15:04:05 UTC") },
}

func (r *LoadReport) content() *loadContent {
	c := &loadContent{LoadReport: r, Title: "Load on " + cmp.Or(r.Sale, "the only sale"), LoopName: strings.ToUpper(r.Loop[:1]) + r.loop()[1:],
		Data: loadData{Course: r.Course}}
	if missed := r.Missed(); missed != nil {
		c.Missed = missed.Error()
	}
	for _, p := range tailPercentiles {
		c.Percentiles = append(c.Percentiles, p.name)
	}
	for i, name := range phaseNames {
		if p := r.phase(i); p.Requests > 0 || p.Failed > 0 {
			c.Phases = append(c.Phases, namedPhase{name, p})
			c.Data.Tails = append(c.Data.Tails, tailOf(name, r.phases[i]))
		}
	}
	return c
}

func tailOf(name string, p *phase) tail {
	t := tail{Phase: name, Points: []tailPoint{}}
	if p.latency.TotalCount() == 0 {
		return t
	}
	for _, bracket := range p.latency.CumulativeDistribution() {
		if bracket.Quantile < 100 {
			t.Points = append(t.Points, tailPoint{Percent: bracket.Quantile, Millis: float64(bracket.ValueAt) / 1000})
		}
	}
	return t
}

// WriteHTMLFile writes the page to a file.
func (r *LoadReport) WriteHTMLFile(path string) error { return writeFile(path, r.WriteHTML) }
