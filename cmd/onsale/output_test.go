package main

import (
	"strings"
	"testing"
)

// Names that strangers chose do nothing in a terminal, and are no formula in a spreadsheet.
func TestNamesAreHarmless(t *testing.T) {
	type named struct {
		Item   string `json:"item"`
		Change int    `json:"change"`
	}
	evil := named{"=HYPERLINK(\"http://x\")\x1b]0;mine\x07\u202e", -7}
	shown := func(format string, raw bool) string {
		var out strings.Builder
		p := program{out: &out, format: format, raw: raw}
		if err := p.showFields(evil); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if text := shown("table", false); strings.ContainsAny(text, "\x1b\x07\u202e") || !strings.Contains(text, `\x1b]0;mine\x07\u202e`) {
		t.Errorf("%q", text)
	}
	if text := shown("csv", false); !strings.Contains(text, `"'=HYPERLINK(`) || !strings.Contains(text, "change,-7\n") {
		t.Errorf("%q", text)
	}
	if text := shown("csv", true); !strings.Contains(text, `"=HYPERLINK(`) {
		t.Errorf("%q", text)
	}
	var messages strings.Builder
	if code := run(t.Context(), []string{"sale", "list", "-o", "table", "--raw"}, &strings.Builder{}, &messages); code != 2 {
		t.Errorf("--raw without CSV: %d %s", code, messages.String())
	}
	if code := run(t.Context(), []string{"inspect", "journal", t.TempDir() + "/\x1b[2J"}, &strings.Builder{}, &messages); code == 0 || strings.Contains(messages.String(), "\x1b") {
		t.Errorf("%d %q", code, messages.String())
	}
}
