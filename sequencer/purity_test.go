package sequencer

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// allowedImports is all that the rules may use. Everything else (time, os, net,
// math/rand, sync, our own packages, other people's) could make replicas differ.
var allowedImports = map[string]string{
	"bufio": "reading and writing snapshots", "bytes": "", "cmp": "", "crypto/sha256": "digests of keys", "encoding/binary": "formats",
	"encoding/hex": "references of payments",
	"errors":       "", "fmt": "messages", "hash/crc32": "checksums of snapshots", "io": "snapshots", "math/bits": "fingerprints",
	"hash/maphash": "spreads users over an index that is only searched: see State.hashSeed", "slices": "", "strconv": "texts of positions", "strings": "likewise", "unicode/utf8": "",
}

func TestOnlyPureImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			if _, allowed := allowedImports[path]; !allowed {
				t.Errorf("%s imports %s", name, path)
			}
			checked++
		}
	}
	if checked < 10 {
		t.Fatalf("only %d imports were looked at", checked)
	}
}
