package golden

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// Format fails the test unless testdata/golden/name.hex of its package has the bytes that a
// format is written in. What was released keeps its bytes while its level stands
// (package releases); another version is another file.
func Format(t testing.TB, name string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.MkdirAll(filepath.Join("testdata", "golden"), 0o755); err != nil { // sources are for everybody
			t.Fatal(err)
		}
	}
	Compare(t, filepath.Join("golden", name+".hex"), hexLines(got))
}

// hexLines writes 16 bytes a line.
func hexLines(data []byte) (text []byte) {
	for len(data) > 0 {
		n := min(16, len(data))
		text = append(hex.AppendEncode(text, data[:n]), '\n')
		data = data[n:]
	}
	return text
}
