package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"onsale/api/contract"
	"onsale/audit/report/page/pagetest"
)

// write makes the page of a sale and takes it apart.
func write(t testing.TB, told *contract.SaleTimeline) (source string, root *html.Node) {
	t.Helper()
	var page bytes.Buffer
	if err := WriteHTML(&page, told); err != nil {
		t.Fatal(err)
	}
	return page.String(), pagetest.Parse(t, page.String())
}

func elements(root *html.Node, tag string) (list []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (tag == "" || n.Data == tag) {
			list = append(list, n)
		}
	}
	return list
}

func textOf(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return text.String()
}

// data returns the JSON in the page.
func data(t testing.TB, root *html.Node) string {
	t.Helper()
	for _, script := range elements(root, "script") {
		if pagetest.Attribute(script, "id") == "data" {
			return textOf(script)
		}
	}
	t.Fatal("the page has no data")
	return ""
}

func TestPageStandsForItself(t *testing.T) {
	source, _ := write(t, example(t))
	pagetest.StandsForItself(t, source)
}

func TestPageIsDrawn(t *testing.T) {
	source, _ := write(t, example(t))
	pagetest.IsDrawn(t, source, 6)
}

// What the charts draw is what -o json says.
func TestPageHasTheData(t *testing.T) {
	told := example(t)
	_, root := write(t, told)
	var inPage, want any
	var written bytes.Buffer
	if err := WriteJSON(&written, told); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(data(t, root)), &inPage); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(written.Bytes(), &want); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(inPage)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) {
		t.Errorf("the page has\n%s\nJSON says\n%s", a, b)
	}
}

// Nothing that a seller typed is read as a part of the page.
func TestPageEscapes(t *testing.T) {
	told := example(t)
	count := func(root *html.Node) (tags [3]int) {
		for i, tag := range []string{"script", "b", "img"} {
			tags[i] = len(elements(root, tag))
		}
		return tags
	}
	_, plain := write(t, told)
	hostile := "</script><script>alert(1)</script><b>\"x\" & 'y' <img src=x onerror=alert(1)> <!-- \u2028 ]]>"
	told.Item, told.Sale, told.Money.Currency, told.Status = hostile, hostile, hostile, hostile
	told.Timeline.ChainHead = hostile
	told.Timeline.Mismatch = []contract.Mismatch{{Field: hostile, Journal: hostile, Replica: hostile}}
	told.Requests.ByReason[hostile] = 3
	_, root := write(t, told)
	if got, want := count(root), count(plain); got != want {
		t.Errorf("script, b and img are there %v times, without the names %v", got, want)
	}
	if title := textOf(elements(root, "h1")[0]); title != hostile {
		t.Errorf("the title is %q", title)
	}
	var back contract.SaleTimeline
	if err := json.Unmarshal([]byte(data(t, root)), &back); err != nil || back.Item != hostile {
		t.Errorf("%q, %v", back.Item, err)
	}
}

// Who cannot see the charts finds their numbers: every chart has a name and a
// table, every table a caption and header cells.
func TestPageIsAccessible(t *testing.T) {
	_, root := write(t, example(t))
	charts := 0
	for _, n := range elements(root, "div") {
		if pagetest.Attribute(n, "data-chart") != "" {
			charts++
			if pagetest.Attribute(n, "role") != "img" || pagetest.Attribute(n, "aria-label") == "" {
				t.Errorf("chart %s has no name", pagetest.Attribute(n, "data-chart"))
			}
		}
		if pagetest.Attribute(n, "class") == "scroll" && (pagetest.Attribute(n, "tabindex") != "0" || pagetest.Attribute(n, "aria-label") == "") {
			t.Error("a table that scrolls cannot be reached by keyboard")
		}
	}
	if charts < 5 {
		t.Errorf("%d charts", charts)
	}
	for _, table := range elements(root, "table") {
		if len(elements(table, "caption")) != 1 || len(elements(table, "thead")) != 1 {
			t.Errorf("a table without caption or header: %s", textOf(table))
		}
		for _, cell := range elements(table, "th") {
			if pagetest.Attribute(cell, "scope") == "" {
				t.Errorf("the header %q heads nothing", textOf(cell))
			}
		}
	}
	ids := map[string]bool{}
	for _, n := range elements(root, "") {
		if id := pagetest.Attribute(n, "id"); id != "" && ids[id] {
			t.Errorf("two elements are %q", id)
		} else if id != "" {
			ids[id] = true
		}
	}
	for _, section := range elements(root, "section") {
		if name := pagetest.Attribute(section, "aria-labelledby"); name != "" && !ids[name] {
			t.Errorf("a section is named by %q, which is not there", name)
		}
	}
	if pagetest.Attribute(elements(root, "html")[0], "lang") == "" || len(elements(root, "h1")) != 1 || len(elements(root, "main")) != 1 {
		t.Error("the page lacks its language, title or main part")
	}
}

// A sale of which nothing is known yet has a page too.
func TestPageOfNothing(t *testing.T) {
	source, root := write(t, &contract.SaleTimeline{})
	for _, words := range []string{"Nobody ever had to wait", "Not known", "No order was paid"} {
		if !strings.Contains(source, words) {
			t.Errorf("%q is not told", words)
		}
	}
	if tables := len(elements(root, "table")); tables < 5 {
		t.Errorf("%d tables", tables)
	}
}
