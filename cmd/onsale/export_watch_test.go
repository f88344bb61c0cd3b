package main

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api"
	rows "onsale/audit/export"
	"onsale/audit/export/sqldb"
	journals "onsale/audit/follow"
	"onsale/proof/testenv"
)

// An exporter beside a node shows where it is, as docs/metrics.md says, and that it is behind.
func TestExporterIsWatched(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "10")
	watch := sqldb.NewWatch(time.Now().Add(-time.Hour))
	unwatch, at, err := monitor("127.0.0.1:0", func() []api.Check { return []api.Check{exportCheck(watch.Lag(time.Now()))} }, watch.Collector())
	if err != nil {
		t.Fatal(err)
	}
	defer unwatch()
	ready := func() string { return get(http.DefaultClient, "http://"+at+"/readyz?verbose") }
	if got := ready(); !strings.Contains(got, "[-]export failed") {
		t.Error(got)
	}

	to, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "finance.db"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- sqldb.Run(ctx, journals.NewFolder(filepath.Join(o.dir, "journal")), to, sqldb.Options{Users: rows.UsersNone, Watch: watch})
	}()
	o.buy(0, "alice", "buy", "-q", "2")
	testenv.Eventually(t, time.Minute, "the order is in the database", func() bool {
		row := scrapeFamilies(t, http.DefaultClient, "http://"+at+"/metrics")["onsale_export_rows_total"]
		return row != nil && watch.Lag(time.Now()) == 0 && strings.Contains(get(http.DefaultClient, "http://"+at+"/metrics"), `onsale_export_rows_total{table="orders"} 1`)
	})
	if got := ready(); !strings.Contains(got, "[+]export ok") {
		t.Error(got)
	}
	servesPage(t, http.DefaultClient, at, "exporter")
	stop()
	if err := errors.Join(<-ended, to.Close()); err != nil {
		t.Error(err)
	}
}
