package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"onsale/audit/report/page/pagetest"
	"onsale/bench/result"
	"onsale/proof/golden"
)

func fixture(t testing.TB) *result.Document {
	t.Helper()
	d, err := result.ReadFile("../result/testdata/before.json")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGoldenText(t *testing.T)     { golden.Compare(t, "table.txt", []byte(Text(fixture(t))+"\n")) }
func TestGoldenMarkdown(t *testing.T) { golden.Compare(t, "table.md", []byte(Markdown(fixture(t)))) }

// The golden page is what stands between styles and scripts.
func TestGoldenPage(t *testing.T) {
	_, body, _ := strings.Cut(write(t, fixture(t)), "<body>")
	body, _, _ = strings.Cut(body, "<script id=")
	golden.Compare(t, "page.html", []byte(body))
}

func write(t testing.TB, d *result.Document) string {
	t.Helper()
	data, err := HTML(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPageStandsForItself(t *testing.T) { pagetest.StandsForItself(t, write(t, fixture(t))) }
func TestPageIsDrawn(t *testing.T)         { pagetest.IsDrawn(t, write(t, fixture(t)), 4) }

// The charts draw what the document says.
func TestPageHasTheCurves(t *testing.T) {
	d := fixture(t)
	drawn, curves := 0, []result.Curve(nil)
	for n := range pagetest.Parse(t, write(t, d)).Descendants() {
		if pagetest.Attribute(n, "data-chart") != "" {
			drawn++
		}
		if pagetest.Attribute(n, "id") != "data" {
			continue
		}
		if err := json.Unmarshal([]byte(n.FirstChild.Data), &curves); err != nil {
			t.Fatal(err)
		}
	}
	log, _ := d.Step("log")
	growth, _ := d.Step("growth")
	if drawn != 4 || len(curves) != 4 || !reflect.DeepEqual(curves[2], growth.Curves[0]) || !reflect.DeepEqual(curves[3], log.Curves[0]) {
		t.Errorf("%d charts draw %+v", drawn, curves)
	}
}

// Nothing that a command said is read as a part of the page.
func TestPageEscapes(t *testing.T) {
	d := fixture(t)
	hostile := `</script><script>alert(1)</script><img src=x onerror=alert(1)>"'|`
	d.Machine.CPU, d.Steps[3].Error, d.Steps[0].Figures[0].Detail, d.Steps[2].Peers[0].Name, d.Steps[1].Curves[0].Name = hostile, hostile, hostile, hostile, hostile
	d.Steps[1].Commands[0], d.Steps[1].Repeated[0] = hostile, hostile
	plain := strings.Count(write(t, fixture(t)), "<script")
	source := write(t, d)
	if strings.Count(source, "<script") != plain || strings.Contains(source, "<img") {
		t.Error("the page has more scripts than it should")
	}
}

func TestIntoReadme(t *testing.T) {
	d := fixture(t)
	for _, bad := range []string{"", "<!-- bench: begin -->\n", "<!-- bench: end --> <!-- bench: begin -->\n"} {
		if _, err := IntoReadme(bad, d); !errors.Is(err, ErrMarks) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	once, err := IntoReadme("before\n<!-- bench: begin -->\nanything\n<!-- bench: end -->\nafter\n", d)
	if err != nil || !strings.HasPrefix(once, "before\n") || !strings.HasSuffix(once, "\nafter\n") || strings.Contains(once, "anything") {
		t.Fatalf("%v\n%s", err, once)
	}
	if twice, err := IntoReadme(once, d); err != nil || twice != once {
		t.Errorf("written again it is another: %v\n%s", err, twice)
	}
}

// The README tells what bench/results/latest.json says, and nothing else.
func TestReadmeIsGenerated(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	d, err := result.ReadFile("../results/latest.json")
	if err != nil {
		t.Fatal(err)
	}
	want, err := IntoReadme(string(readme), d)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readme, []byte(want)) {
		t.Error("README.md does not tell what bench/results/latest.json says; `make bench-report` writes it")
	}
}

// What a run did not measure is told as that, not left out.
func TestNothingMeasured(t *testing.T) {
	d := &result.Document{Version: result.Version, Profile: "quick"}
	text := Text(d)
	for _, want := range []string{"not measured", "full run only"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	write(t, d)
}
