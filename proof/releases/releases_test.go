package releases

import (
	"errors"
	"strings"
	"testing"

	"onsale/sequencer"
)

const someCommit = "0123456789abcdef0123456789abcdef01234567"

func TestParse(t *testing.T) {
	other := strings.Repeat("f", 40)
	for text, want := range map[string]string{
		"# none\n\n": "",
		"v0.1.0 1 " + someCommit + " 2026-12-01\n":                                         "",
		"v0.1.0 1 " + someCommit + " 2026-12-01\nv0.10.0 2 " + other + " 2026-12-02\n":     "",
		"v0.1.0 1 " + someCommit + "\n":                                                    "line 1",
		"v0.1 1 " + someCommit + " 2026-12-01\n":                                           "is not like v1.2.3",
		"v0.01.0 1 " + someCommit + " 2026-12-01\n":                                        "is not like v1.2.3",
		"v0.1.0 0 " + someCommit + " 2026-12-01\n":                                         "no level",
		"v0.1.0 1 abc 2026-12-01\n":                                                        "is not like v1.2.3",
		"v0.1.0 1 " + someCommit + " 1 December\n":                                         "line 1",
		"v0.1.0 1 " + someCommit + " 2026-13-01\n":                                         "is not like v1.2.3",
		"#\nv0.2.0 1 " + someCommit + " 2026-12-01\nv0.1.9 1 " + other + " 2026-12-02\n":   "line 3: v0.1.9 does not come after v0.2.0",
		"v0.1.0 1 " + someCommit + " 2026-12-01\nv0.2.0 3 " + other + " 2026-12-02\n":      "by one step",
		"v0.1.0 2 " + someCommit + " 2026-12-01\nv0.2.0 1 " + other + " 2026-12-02\n":      "by one step",
		"v0.1.0 1 " + someCommit + " 2026-12-01\nv0.2.0 1 " + someCommit + " 2026-12-02\n": "are one commit",
	} {
		_, err := parse(text)
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrFile) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestSection(t *testing.T) {
	const text = "# Changelog\n\n## Unreleased\n\n## v0.1.10\n\n- ten\n\n## v0.1.1\n\n- one\n"
	for name, want := range map[string]string{"Unreleased": "", "v0.1.10": "- ten", "v0.1.1": "- one", "v0.1": "", "v0.2.0": ""} {
		if got := section(text, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// A level belongs to a release: while this tree is at the last release's, what it writes to disk
// and wire has that release's bytes.
func TestReleasedFormats(t *testing.T) {
	if err := Check(t.Context(), root, sequencer.LevelMax); err != nil {
		t.Error(err)
	}
}

// root is of the whole tree, from this package.
const root = "../.."
