package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"onsale/sequencer"
)

// A node does not start on a folder of another release. It says so and not that anything is
// damaged, changes nothing, and there is nothing to repair.
func TestFolderOfAnotherRelease(t *testing.T) {
	n := newNodes(t, 1)[0]
	n.start()
	leaderAmong(t, []*testNode{n})
	n.stop()
	path := filepath.Join(n.dir, "NODE.json")
	other := ofVersion(t, path, 99)
	if err := os.WriteFile(path, other, 0o640); err != nil {
		t.Fatal(err)
	}

	code, output := onsaleProcess(t, nil, n.arguments()...)
	if says := "Nothing is damaged: another release of onsale wrote it, and this is onsale devel"; code != 1 || !strings.Contains(output, says) ||
		!strings.Contains(output, "identity version 99, this program knows") || strings.Contains(output, "cluster repair") || strings.Contains(output, "snapshot restore") {
		t.Errorf("exit code %d\n%s", code, output)
	}
	code, output = attempt("cluster", "repair", "--data-dir", n.dir, "--node-id", n.id, "--private", n.private, "--secret-file", n.secretFile, "--yes")
	if code != 1 || !strings.Contains(output, "Nothing is damaged") {
		t.Errorf("repair: exit code %d\n%s", code, output)
	}
	if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, other) {
		t.Errorf("the identity was changed: %v\n%s", err, left)
	}
}

// ofVersion returns an identity's file as a release with another version of it writes it.
func ofVersion(t *testing.T, path string, version int) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = regexp.MustCompile(`"version": \d+`).ReplaceAll(data, fmt.Appendf(nil, `"version": %d`, version))
	checksum := regexp.MustCompile(`"checksum": "[0-9a-f]*"`)
	var content bytes.Buffer
	if err := json.Compact(&content, checksum.ReplaceAll(data, []byte(`"checksum": ""`))); err != nil {
		t.Fatal(err)
	}
	sum := crc32.Checksum(content.Bytes(), crc32.MakeTable(crc32.Castagnoli))
	return checksum.ReplaceAll(data, fmt.Appendf(nil, `"checksum": "%08x"`, sum))
}

// A backup and a log of another release are named by the commands that read them.
func TestFilesOfAnotherRelease(t *testing.T) {
	o := openOffice(t)
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "3")
	backup := filepath.Join(t.TempDir(), "backup")
	o.sell(0, "snapshot", "save", backup)
	has(t, o.sell(0, "cluster", "finalize"), fmt.Sprintf("is at level %d, the highest", sequencer.LevelMax))
	has(t, o.sell(0, "cluster", "health"), "level_available")
	has(t, command(t, 0, "version"), fmt.Sprintf("level %d", sequencer.LevelMax))
	o.close()
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	data = data[:len(data)-sha256.Size]
	data[8] = 99
	sum := sha256.Sum256(data)
	if err := os.WriteFile(backup, append(data, sum[:]...), 0o640); err != nil {
		t.Fatal(err)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	for _, args := range [][]string{{"snapshot", "inspect", backup}, {"snapshot", "restore", backup, "--copy", "--data-dir", restored}} {
		has(t, command(t, 1, args...), "backup version 99, this program knows 1", "Nothing is damaged", "docs/upgrading.md")
	}
	if left, err := os.ReadDir(restored); len(left) > 0 {
		t.Errorf("a refused restore left %v, %v", left, err)
	}
}
