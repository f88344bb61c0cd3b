package main

import (
	"path/filepath"
	"testing"

	"onsale/audit/archive"
)

// What a node has sold is archived while it runs, to a folder; the archive of another cluster is left
// alone.
func TestArchive(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	dir := filepath.Join(t.TempDir(), "archive")
	run := func(code int, more ...string) string {
		args := append([]string{"archive", "--journal", filepath.Join(o.dir, "journal"), "--to", "file://" + dir, "--once"}, more...)
		return command(t, code, args...)
	}
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "10")
	o.buy(0, "alice", "buy", "-q", "2")
	has(t, run(0), "blocks up to")
	o.buy(0, "bob", "buy", "-q", "2")
	has(t, run(0), "1 segments are new")
	has(t, run(0), "0 segments are new")
	s := into[archiveSummary](t, command(t, 0, "archive", "status", "file://"+dir, "-o", "json"))
	if s.Segments != 2 || len(s.Births) != 1 || s.Births[0].Cause != "new" || len(s.CutOff) != 0 || s.Number != o.server.node.Identity().ClusterNumber ||
		s.Cluster != archive.ID(o.server.node.Births()[0].Cluster) {
		t.Errorf("%+v", s)
	}
	has(t, command(t, 0, "archive", "status", "file://"+dir), "last_seq", "birth")
	o.close()

	o = openOffice(t)
	defer o.close()
	has(t, run(3), "another history", "of its own")
	has(t, command(t, 1, "archive", "status", "file://"+t.TempDir()), "no archive")
	for _, wrong := range [][]string{{"--to", "/tmp/x"}, {"--journal", "nowhere"}, {"--segment-bytes", "0"}, {"--log-level", "loud"}} {
		run(2, wrong...)
	}
}
