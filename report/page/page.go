// Package page is what every page that we write is made of: one style, and the charts.
// All of it goes into the page, which asks nobody for anything and can be opened
// without a network.
package page

import (
	_ "embed"
	"html/template"
)

var (
	//go:embed assets/page.css
	style string
	//go:embed assets/uPlot.min.css
	chartStyle string
	//go:embed assets/uPlot.iife.min.js
	chartScript string
	//go:embed assets/uPlot.LICENSE
	chartLicense string
)

// Style returns the colours, light and dark, and the layout of tables and charts.
func Style() template.CSS { return template.CSS(style) }

// ChartStyle returns uPlot's own style.
func ChartStyle() template.CSS { return template.CSS(chartStyle) }

// ChartScript returns uPlot under its licence.
func ChartScript() template.JS {
	return template.JS("/*! uPlot\n" + chartLicense + "*/\n" + chartScript)
}
