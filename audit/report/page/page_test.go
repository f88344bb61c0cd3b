package page

import (
	"html/template"
	"strings"
	"testing"
)

// What a page is given is text: only its template, style and script are parts of it.
func TestWriteEscapes(t *testing.T) {
	hostile := `</title></script><script>alert(1)</script><b>`
	p := Page{
		Title: hostile, Body: `<p>{{shout .}}</p>`, Content: hostile, Data: []string{hostile},
		Functions: template.FuncMap{"shout": strings.ToUpper}, Script: "charts.draw();",
	}
	var out strings.Builder
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for what, want := range map[string]int{"<title>": 1, "<style>": 2, "<script>": 3, "alert(1)": 2, "ALERT(1)": 1, "<b>": 0, "charts.draw();": 1, "uPlot.min": 0} {
		if got := strings.Count(page, what); got != want {
			t.Errorf("%s stands %d times, want %d", what, got, want)
		}
	}
}

func TestWriteFails(t *testing.T) {
	for _, body := range []string{"{{", "{{.Nothing}}", "{{unknown .}}"} {
		if err := (&Page{Body: body, Content: struct{}{}}).Write(&strings.Builder{}); err == nil || !strings.HasPrefix(err.Error(), "page: ") {
			t.Errorf("%s: %v", body, err)
		}
	}
}
