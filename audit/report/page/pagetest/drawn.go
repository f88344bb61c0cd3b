package pagetest

import (
	_ "embed"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"onsale/proof/testenv"
)

//go:embed assets/look.js
var lookScript string

const (
	widePx, narrowPx = 1280, 400
	narrowestPx      = 240 // a chart is as wide as there is room, but never less
	paperPx          = 640 // and this wide on paper
)

// look is how one chart is drawn.
type look struct {
	Chart   string `json:"chart"`
	Room    int    `json:"room"` // for it in the page
	Legends int    `json:"legends"`
	Widths  []int  `json:"widths"`  // of its canvases
	Picture string `json:"picture"` // what is on them
}

// IsDrawn opens a page in Chromium and says which of its charts are not drawn, or not
// drawn anew for a narrow window, for the dark and for paper. Without Chromium it is
// skipped.
func IsDrawn(t *testing.T, source string, charts int) {
	t.Helper()
	testenv.TakesLong(t, "starts a browser")
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	b.resize(widePx)
	b.open("file://" + path)
	b.check("wide", charts, inRoom, nil)
	b.resize(narrowPx)
	narrow := b.check("narrow", charts, inRoom, nil)
	b.do("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": "dark"}}}, nil)
	dark := b.check("dark", charts, inRoom, narrow)
	b.evaluate(`dispatchEvent(new Event("beforeprint"))`, nil)
	b.check("on paper", charts, onPaper, dark)
	b.evaluate(`dispatchEvent(new Event("afterprint"))`, nil)
	b.check("after paper", charts, inRoom, narrow)
}

func inRoom(l *look) int { return max(narrowestPx, l.Room) }
func onPaper(*look) int  { return paperPx }

// check says which charts are not as wide as they should be, or look as they looked
// before, when they should not.
func (b *browser) check(when string, charts int, width func(*look) int, before []look) []look {
	b.t.Helper()
	var looks []look
	b.evaluate(lookScript, &looks)
	if len(looks) != charts {
		b.t.Fatalf("%s: %d charts, want %d", when, len(looks), charts)
	}
	for i := range looks {
		l := &looks[i]
		if want := width(l); !slices.Equal(l.Widths, []int{want}) || l.Legends != 1 {
			b.t.Errorf("%s: chart %s has canvases of %v and %d legends, want one of %d", when, l.Chart, l.Widths, l.Legends, want)
		}
		if before != nil && before[i].Picture == l.Picture {
			b.t.Errorf("%s: chart %s was not drawn anew", when, l.Chart)
		}
	}
	return looks
}
