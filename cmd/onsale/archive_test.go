package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api"
	"onsale/audit/archive"
	"onsale/audit/archive/blob"
	journals "onsale/audit/follow"
	"onsale/proof/testenv"
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
	for name, from := range map[string][]string{"the cluster": {"--cluster", o.server.node.Address(), "--peer-secret-file", filepath.Join(o.dir, "peer-secret")},
		"an archive": {"--journal", "file://" + dir}} {
		other := "file://" + t.TempDir()
		command(t, 0, append([]string{"archive", "--to", other, "--once"}, from...)...)
		if got := into[archiveSummary](t, command(t, 0, "archive", "status", other, "-o", "json")); got.Head != s.Head || got.Number != s.Number || got.Cluster != s.Cluster {
			t.Errorf("from %s: %+v, expected is %+v", name, got, s)
		}
	}
	o.close()

	o = openOffice(t)
	defer o.close()
	has(t, run(3), "another history", "of its own")
	has(t, command(t, 1, "archive", "status", "file://"+t.TempDir()), "no archive")
	for _, wrong := range [][]string{{"--to", "/tmp/x"}, {"--journal", "nowhere"}, {"--segment-bytes", "0"}, {"--log-level", "loud"}} {
		run(2, wrong...)
	}
}

// An archiver beside a node shows where it is, and puts snapshots; both are as docs/metrics.md says.
func TestArchiverIsWatched(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "10")
	a := archiving{config: archive.Config{SegmentBytes: 1 << 20, Log: slog.New(slog.DiscardHandler)}, private: "127.0.0.1:0",
		snapshots: archive.SnapshotConfig{Every: time.Millisecond, Read: readState, Write: writeState, Log: slog.New(slog.DiscardHandler)}}
	store := blob.NewFolder(t.TempDir())
	archiver, err := archive.New(a.config, store, journals.NewFolder(filepath.Join(o.dir, "journal")))
	if err != nil {
		t.Fatal(err)
	}
	snapshots := archive.NewSnapshotter(a.snapshots, store)
	unwatch, at, err := monitor(a.private, func() []api.Check { return []api.Check{archiveCheck(archiver.Status(), time.Now())} }, archiver.Collector(), snapshots.Collector())
	if err != nil {
		t.Fatal(err)
	}
	defer unwatch()
	a.private = ""
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.run(ctx, archiver, snapshots) }()
	testenv.Eventually(t, time.Minute, "the sale is archived", func() bool { return archiver.Status().Seq > 0 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := snapshots.Due(t.Context()); err != nil {
		t.Error(err)
	}
	servesPage(t, http.DefaultClient, at, "archiver")
	if got := get(http.DefaultClient, "http://"+at+"/readyz?verbose"); !strings.Contains(got, "[+]archive ok") {
		t.Error(got)
	}
	late := archiveCheck(archive.Status{Unstored: time.Now().Add(-time.Hour)}, time.Now())
	if !late.Fails() || !errors.Is(late.Err, errArchiveBehind) {
		t.Errorf("%+v", late)
	}
}
