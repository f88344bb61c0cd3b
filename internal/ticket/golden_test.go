package ticket

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/proof/golden"
)

// Tickets are printed and shown long after they were sold, and every node of a cluster signs: the
// same secret, birth and ticket give the same code and the same keys for good.
func TestGoldenCode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(path, []byte(strings.Repeat("0123456789abcdef", 4)+"\n"), 0o600))
	s, err := ReadSecrets(path)
	must(t, err)
	is := sold()
	golden.Compare(t, filepath.Join("golden", "code.txt"), []byte(s.Sign(&is)+"\n"))

	var keys strings.Builder
	for _, b := range s.Public(3, births, "x-1").Births {
		fmt.Fprintln(&keys, b.Birth, b.Keys)
	}
	golden.Compare(t, filepath.Join("golden", "public_keys.txt"), []byte(keys.String()))
}
