package folder

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files of another version are refused by name, and the message says which one it is.
func TestOtherVersions(t *testing.T) {
	for _, version := range []byte{0, 9} {
		backup := append([]byte(backupMagic), version, 0, 0, 0, 0, 0, 0, 0)
		says := fmt.Sprintf("version %d, this program knows %d", version, backupVersion)
		if _, err := readBackup(bytes.NewReader(backup), nil); !errors.Is(err, ErrBackup) || !strings.Contains(err.Error(), says) {
			t.Errorf("a backup of version %d: %v", version, err)
		}

		dir := t.TempDir()
		identity := fmt.Sprintf(`{"version": %d, "node_id": "n1"}`, version)
		if err := os.WriteFile(filepath.Join(dir, identityName), []byte(identity), 0o640); err != nil {
			t.Fatal(err)
		}
		says = fmt.Sprintf("version %d, this program knows %d", version, identityVersion)
		if _, err := ReadIdentity(dir); !errors.Is(err, ErrIdentityDamaged) || !strings.Contains(err.Error(), says) {
			t.Errorf("an identity of version %d: %v", version, err)
		}
	}
}
