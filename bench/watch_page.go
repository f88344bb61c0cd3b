package bench

import (
	_ "embed"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"onsale/audit/report/page"
)

var (
	//go:embed assets/watch.html
	watchTemplate string
	//go:embed assets/watch.js
	watchScript template.JS
)

// watchContent is what the page's template shows.
type watchContent struct {
	*WatchReport
	Names []string // of the processes
	Took  time.Duration
	Text  string // the tables of the terminal
}

// WriteHTML writes the report as one page with charts that stands for itself.
func (r *WatchReport) WriteHTML(w io.Writer) error {
	var text strings.Builder
	r.Print(&text)
	p := page.Page{Title: "A cluster, watched", Body: watchTemplate, Data: r, Script: watchScript,
		Content: watchContent{r, slices.Sorted(maps.Keys(r.Processes)), time.Duration(r.Seconds) * time.Second, text.String()}}
	return p.Write(w)
}
