package folder

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"onsale/proof/golden"
	"onsale/proof/testenv"
	"onsale/wal"
)

// The bytes on disk must not change without a new version.
func TestGoldenFormats(t *testing.T) {
	dir := testenv.MemoryDir(t)
	is := Identity{Version: identityVersion, NodeID: "n1", Folder: "f0", ClusterID: "0102030405060708090a0b0c0d0e0f10", ClusterNumber: 3,
		Bootstrap: []Member{{ID: "n1", Address: "a:1", Folder: "f0", Voter: true}, {ID: "n2", Address: "b:1"}},
		Started:   true, Start: 5, AwaitsVote: true, Moved: []Move{{ID: "n2", From: "b:1", To: "c:1"}}}
	if err := writeIdentity(wal.OS{}, dir, &is); err != nil {
		t.Fatal(err)
	}
	identity, err := os.ReadFile(filepath.Join(dir, identityName))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, filepath.Join("golden", "identity.json"), identity)

	backup := new(bytes.Buffer)
	info := BackupInfo{ClusterID: is.ClusterID, ClusterNumber: 3, NodeID: "n1", Index: 7, Term: 2, Members: is.Bootstrap}
	if err := WriteBackup(backup, &info, 5, bytes.NewReader([]byte("state"))); err != nil {
		t.Fatal(err)
	}
	golden.Format(t, "backup", backup.Bytes())
}
