package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func fixture(t testing.TB, name string) *Document {
	t.Helper()
	d, err := ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentRoundTrip(t *testing.T) {
	for _, name := range []string{"before", "after"} {
		d := fixture(t, name)
		path := filepath.Join(t.TempDir(), "new", "result.json")
		if err := d.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		again, err := ReadFile(path)
		if err != nil || !reflect.DeepEqual(d, again) {
			t.Errorf("%s: %v; wrote\n%+v\nread\n%+v", name, err, d, again)
		}
		// Nothing of the file is lost on the way.
		original, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		written, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if canonical(t, original) != canonical(t, written) {
			t.Errorf("%s: read and written, the document is\n%s", name, written)
		}
	}
}

func canonical(t *testing.T, data []byte) string {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDocumentsRefused(t *testing.T) {
	good, err := os.ReadFile("testdata/before.json")
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, with string) string {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the fixture has no %s", old)
		}
		return strings.Replace(string(good), old, with, 1)
	}
	for name, text := range map[string]string{
		"nothing":                 "",
		"no JSON":                 "T1",
		"half of it":              string(good[:len(good)/2]),
		"no version":              `{"profile": "full"}`,
		"a newer version":         replace(`"version": 1`, `"version": 2`),
		"no profile":              replace(`"profile": "full"`, `"profile": ""`),
		"an unknown field":        replace(`"profile": "full"`, `"profile": "full", "speed": 3`),
		"a number that is a text": replace(`"cores": 2`, `"cores": "two"`),
		"an unknown figure":       replace(`"T1.selling"`, `"T1.buying"`),
		"a figure twice":          replace(`"T1.selling"`, `"T1.soldout"`),
		"a step twice":            replace(`"id": "log"`, `"id": "rules"`),
		"an unknown status":       replace(`"status": "done"`, `"status": "well"`),
		"a curve without a name":  replace(`"name": "Cost of a decision"`, `"name": ""`),
		"two documents":           string(good) + string(good),
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, ErrDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReplaceIsWholeOrNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := Replace(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(path, "below"), nil); err == nil {
		t.Error("a file was made below a file")
	}
	if err := Replace(path, []byte("two")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "two" {
		t.Errorf("%q, %v", data, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

// A step that is measured again replaces what it measured, and nothing else.
func TestPut(t *testing.T) {
	d := fixture(t, "before")
	steps, peers := len(d.Steps), len(d.Steps[2].Peers)
	d.Put(&Step{ID: "rules", Status: StatusDone, Outcome: Outcome{Figures: []Figure{NewFigure("T1.selling", []Round{{Measured: 7e6}})}}})
	if f, found := d.Find("T1.selling"); !found || f.Measured != 7e6 || len(d.Steps) != steps || len(d.Steps[2].Peers) != peers {
		t.Errorf("%+v; %d steps, %d peers", f, len(d.Steps), len(d.Steps[2].Peers))
	}
	if _, found := d.Find("T1.soldout"); found {
		t.Error("a figure of the step's older run is still there")
	}
	d.Put(&Step{ID: "more", Status: StatusDone, Outcome: Outcome{Figures: []Figure{NewFigure("T1.selling", []Round{{Measured: 8e6}})}}})
	if f, _ := d.Find("T1.selling"); len(d.Steps) != steps+1 || f.Measured != 8e6 {
		t.Errorf("%d steps, %+v", len(d.Steps), f)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
}
