package pagetest

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// references are the attributes with which an element asks for something else.
var references = []string{"src", "href", "srcset", "action", "poster", "data"}

// requests are what a script asks with, or makes code of words with.
var requests = []string{"fetch(", "XMLHttpRequest", "import(", "WebSocket", "sendBeacon", "eval(", "innerHTML"}

// Parse takes a page apart.
func Parse(t testing.TB, source string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// Attribute returns an element's attribute, or nothing.
func Attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// StandsForItself says where a page asks anybody for anything.
func StandsForItself(t testing.TB, source string) {
	t.Helper()
	for n := range Parse(t, source).Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, name := range references {
			if value := Attribute(n, name); value != "" && value != "data:," && value[0] != '#' {
				t.Errorf("<%s %s=%q>", n.Data, name, value)
			}
		}
		checkStyle(t, Attribute(n, "style"))
		if n.FirstChild == nil {
			continue
		}
		switch n.Data {
		case "style":
			checkStyle(t, n.FirstChild.Data)
		case "script":
			checkScript(t, n.FirstChild.Data)
		}
	}
	// The charts' licence names its home.
	if rest := strings.ReplaceAll(source, "https://github.com/leeoniya/uPlot", ""); strings.Contains(rest, "http://") || strings.Contains(rest, "https://") {
		t.Error("the page has an address")
	}
	if !strings.Contains(source, "default-src 'none'") || !strings.Contains(source, "The MIT License") {
		t.Error("the page lacks its policy or the charts' licence")
	}
}

func checkStyle(t testing.TB, text string) {
	t.Helper()
	if strings.Contains(text, "url(") || strings.Contains(text, "@import") {
		t.Error("a style refers to something")
	}
}

func checkScript(t testing.TB, text string) {
	t.Helper()
	if strings.HasPrefix(text, "/*! uPlot") {
		return
	}
	for _, way := range requests {
		if strings.Contains(text, way) {
			t.Errorf("a script uses %s", way)
		}
	}
}
