package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"onsale/api/contract"
	"onsale/internal/failpoint"
	"onsale/proof/testenv"
)

// An archiver that dies at any step is started again, or another one is, and goes on: all is archived
// once, and a cluster is restored of it.
func TestArchiverThatDies(t *testing.T) {
	testenv.TakesLong(t, "it builds a program with failpoints")
	t.Parallel()
	program, dir := buildProgram(t, "-tags", "failpoints"), t.TempDir()
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "1000")
	place, armed := "file://"+filepath.Join(dir, "archive"), filepath.Join(dir, "armed")
	archiver := func() error {
		c := exec.CommandContext(t.Context(), program, "archive", "--journal", filepath.Join(o.dir, "journal"), "--to", place, "--once",
			"--segment-bytes", "500", "--snapshot-every", "1ms", "--snapshot-keep", "1")
		c.Env = append(os.Environ(), failpoint.Variable+"="+armed)
		said, err := c.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != -1) {
			t.Fatalf("%v\n%s", err, said)
		}
		return err
	}
	points := failpoint.ArchiverNames()
	for i, point := range points {
		for hits := 1; hits <= 2; hits++ {
			for user := range 4 {
				o.buy(0, fmt.Sprintf("user-%d-%d-%d", i, hits, user), "buy", "-q", "1")
			}
			if err := os.WriteFile(armed, []byte(failpoint.Crash(point, hits)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := archiver(); err == nil && (hits == 1 || point != failpoint.ArchiveSnapshotAfter) {
				t.Errorf("it came through %s for the %d. time", point, hits)
			}
			_ = os.Remove(armed) // it is gone when it has struck
		}
	}
	if err := archiver(); err != nil {
		t.Fatal(err)
	}
	clean(t, place)
	restored := filepath.Join(dir, "restored")
	command(t, 0, "restore", "--from", place, "--copy", "--data", restored)
	isCopy := openOffice(t, func(s *settings) { s.Node.DataDir = restored })
	defer isCopy.close()
	want, got := into[contract.SaleDetail](t, o.sell(0, "sale", "show", "gig", "-o", "json")), into[contract.SaleDetail](t, isCopy.sell(0, "sale", "show", "gig", "-o", "json"))
	if got.Available != want.Available || got.Held+got.Sold != want.Held+want.Sold || want.Available == 1000 {
		t.Errorf("restored are %+v, it was %+v", got, want)
	}
}
