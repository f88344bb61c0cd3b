// Package page is what every page that we write is made of: one frame, one style, and
// the charts. All of it goes into the page, which asks nobody for anything and can be
// opened without a network.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

var (
	//go:embed assets/frame.html
	frame string
	//go:embed assets/page.css
	style template.CSS
	//go:embed assets/charts.js
	script template.JS
	//go:embed assets/uPlot.min.css
	plotStyle template.CSS
	//go:embed assets/uPlot.iife.min.js
	plotScript template.JS
	//go:embed assets/uPlot.LICENSE
	plotLicense template.JS
)

// Page is what a page has of its own.
type Page struct {
	Title string
	// Body is the template of what stands in the page, which shows Content and may
	// call Functions.
	Body      string
	Content   any
	Functions template.FuncMap
	// Style comes after the style that all pages have; it may be empty.
	Style template.CSS
	// Data is what Script finds in charts.data. Script draws it: see assets/charts.js.
	Data   any
	Script template.JS
}

// Styles returns the page's styles, in their order.
func (p *Page) Styles() []template.CSS { return []template.CSS{plotStyle, style, p.Style} }

// Scripts returns the page's scripts, in their order. uPlot's licence goes with it.
func (p *Page) Scripts() []template.JS {
	return []template.JS{"/*! uPlot\n" + plotLicense + "*/\n" + plotScript, script, p.Script}
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	t, err := template.New("frame").Funcs(p.Functions).Parse(frame)
	if err == nil {
		_, err = t.New("body").Parse(p.Body)
	}
	if err == nil {
		err = t.Execute(w, p)
	}
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}
