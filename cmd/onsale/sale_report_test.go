package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/api/contract"
)

// A report from a node, from its journal beside it, and from the journal alone
// tell the same.
func TestSaleReportByCommand(t *testing.T) {
	o := openOffice(t)
	o.sell(0, "sale", "create", "gig", "--price", "0", "--item", "Gig <i>", "--quantity", "3", "--waitlist", "1")
	for _, user := range []string{"ann", "bob", "cid", "dan"} {
		o.buy(0, user, "buy", "--sale", "gig")
	}
	o.buy(3, "eve", "buy", "--sale", "gig")
	journal, page := filepath.Join(o.dir, "journal"), filepath.Join(t.TempDir(), "gig.html")

	asked := into[contract.SaleTimeline](t, o.sell(0, "sale", "report", "gig", "-o", "json", "--html", page))
	if asked.Requests.Total != 5 || asked.Latency == nil || asked.Latency.Buys != 5 || asked.Timeline.SoldOutSeconds == nil || len(asked.Timeline.Mismatch) > 0 {
		t.Errorf("%+v", asked)
	}
	if source, err := os.ReadFile(page); err != nil {
		t.Error(err)
	} else {
		has(t, string(source), "Gig &lt;i&gt;", `id="data"`)
	}
	beside := into[contract.SaleTimeline](t, command(t, 0, "sale", "report", "gig", "--journal", journal, "-o", "json"))
	asked.Latency = nil
	if fmt.Sprintf("%+v", beside.Report) != fmt.Sprintf("%+v", asked.Report) || fmt.Sprint(beside.Timeline.Rows) != fmt.Sprint(asked.Timeline.Rows) {
		t.Errorf("the journal says\n%+v\nthe node\n%+v", beside, asked)
	}
	has(t, o.sell(0, "sale", "report", "gig", "-o", "csv"), "from_seconds,seconds,from_time,", ",refused_sold_out,")
	has(t, o.sell(0, "sale", "report", "gig", "--totals", "-o", "csv"), "what,value\nsale,gig\n", "latency_ms,")
	has(t, o.sell(0, "sale", "report", "gig"), "after the opening", "sold_out", "latency_ms")
	has(t, o.sell(1, "sale", "report", "none"), "unknown-sale")
	has(t, o.sell(2, "sale", "report", "gig", "--totals", "--html", page), "--totals")
	o.close()
	has(t, command(t, 0, "sale", "report", "gig", "--journal", journal), "0–1 s")
	has(t, command(t, 1, "sale", "report", "none", "--journal", journal), "unknown sale", `"gig"`)
	has(t, command(t, 1, "sale", "report", "gig", "--journal", t.TempDir()), "holds no log")
	has(t, command(t, 1, "sale", "report", "gig", "--journal", journal, "--html", "/nonexistent/x.html"), "no such file")
}

// Reports that are asked for while tickets are sold agree with themselves, and one
// of two at the same time may be told to come back.
func TestSaleReportWhileSelling(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "1000", "--hold", "50ms")
	var crowd sync.WaitGroup
	for c := range 4 {
		crowd.Go(func() {
			for i := range 40 {
				attempt("buy", "--sale", "gig", "--user", fmt.Sprint("u", c, "-", i), "--http", o.server.publicListener.Addr().String(), "--secret-file", filepath.Join(o.dir, "token-secret"))
			}
		})
	}
	told, deadline := 0, time.Now().Add(time.Minute)
	for n := 0; n < 30 || told < 20 && time.Now().Before(deadline); n++ { // where the machine is slow, more are told to come back
		code, text := attempt("sale", "report", "gig", "-o", "json", "--private", o.server.privateListener.Addr().String(), "--secret-file", filepath.Join(o.dir, "token-secret"))
		if code == 0 {
			told++
		} else if !strings.Contains(text, "behind") {
			t.Errorf("exit code %d: %s", code, text)
		}
	}
	crowd.Wait()
	if told < 20 {
		t.Errorf("%d reports were told", told)
	}
	if last := into[contract.SaleTimeline](t, o.sell(0, "sale", "report", "gig", "-o", "json")); last.Requests.Total != 160 || len(last.Timeline.Mismatch) > 0 {
		t.Errorf("%+v", last.Report)
	}
}
