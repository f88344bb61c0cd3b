package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"onsale/api/contract"
	"onsale/audit"
)

// From an archive alone: a cluster as of a moment in the middle of a sale, whose journal is whole and
// audited, that sells on, and is archived at the same place; the archive names what was cut off.
func TestRestoreToAMoment(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	place := "file://" + filepath.Join(t.TempDir(), "archive")
	archived := func(code int, o *office, more ...string) string {
		return command(t, code, append([]string{"archive", "--journal", filepath.Join(o.dir, "journal"), "--to", place, "--once"}, more...)...)
	}
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "10")
	early := into[contract.Decision](t, o.buy(0, "alice", "buy", "-q", "2", "-o", "json"))
	archived(0, o)
	for _, user := range []string{"bob", "carol"} {
		o.buy(0, user, "buy", "-q", "2")
	}
	archived(0, o)
	o.close()
	clean(t, place)
	has(t, command(t, 0, "inspect", "journal", place), "birth ok", "buy ok")
	has(t, command(t, 0, "inspect", "journal", place, "--seq", fmt.Sprint(early.Seq)), "alice")

	until := fmt.Sprint(early.Seq)
	restore := func(code int, dir string, more ...string) string {
		return command(t, code, append([]string{"restore", "--from", place, "--data", dir}, more...)...)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	has(t, restore(0, dir, "--until", until, "--successor"), "as of seq "+until, "start it with")
	has(t, restore(1, dir, "--copy"), "is not empty")
	for _, wrong := range [][]string{{}, {"--copy", "--successor"}, {"--copy", "--until", "yesterday"}, {"--copy", "--until", "0"}} {
		restore(2, filepath.Join(t.TempDir(), "wrong"), wrong...)
	}
	has(t, restore(1, filepath.Join(t.TempDir(), "late"), "--copy", "--until", "99999999"), "does not have that moment")

	successor := openOffice(t, func(s *settings) { s.Node.DataDir = dir })
	if left := into[contract.SaleDetail](t, successor.sell(0, "sale", "show", "gig", "-o", "json")).Available; left != 8 {
		t.Errorf("%d tickets are left", left)
	}
	successor.buy(0, "dave", "buy", "-q", "2")
	has(t, archived(0, successor), "are new")
	clean(t, filepath.Join(dir, "journal"))
	successor.close()
	clean(t, place)
	has(t, command(t, 0, "archive", "status", place), "restore", "cut_off")
	has(t, archived(3, o), "later birth")

	isCopy := filepath.Join(t.TempDir(), "copy")
	has(t, restore(0, isCopy, "--copy"), "not in it: blocks")
	exercise := openOffice(t, func(s *settings) { s.Node.DataDir = isCopy })
	defer exercise.close()
	exercise.buy(0, "erin", "buy", "-q", "2")
	has(t, archived(3, exercise), "a copy")
}

// clean fails unless an audit of a journal or an archive finds all of it right.
func clean(t *testing.T, place string) {
	t.Helper()
	if r := into[audit.Report](t, command(t, 0, "audit", place, "-o", "json")); r.Verdict != audit.VerdictClean || r.FirstHeight != 1 {
		t.Errorf("%s: %+v", place, r)
	}
}
