package api

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/sequencer"
)

// A time that nanoseconds cannot hold is none that a sale may have.
func TestLogTimes(t *testing.T) {
	for at, want := range map[time.Time]int64{
		time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC): -1, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC): -1,
		time.Unix(0, 0).UTC(): 0, time.Unix(0, 5).UTC(): 5,
		time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC): -1, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC): -1,
		time.Date(2200, 12, 31, 0, 0, 0, 0, time.UTC): time.Date(2200, 12, 31, 0, 0, 0, 0, time.UTC).UnixNano(),
	} {
		if got := logTime(at); got != want {
			t.Errorf("%v is %d, want %d", at, got, want)
		}
	}
}

// A change of a sale with a body that is none, or of a sale that is not there, is no change.
func TestChangesThatAreNone(t *testing.T) {
	f := serve(t)
	f.seller("POST", "/v1/sales", newSale).want(201, "")
	before := f.backend.AppliedSeq()
	for _, route := range []string{"POST /v1/sales/gig/release", "POST /v1/sales/gig/extend", "PATCH /v1/sales/gig", "POST /v1/sales"} {
		method, path, _ := strings.Cut(route, " ")
		for _, body := range []string{"{", "[]", `{"odd":1}`, `"text"`} {
			if a := f.seller(method, path, body); a.status != 400 {
				t.Errorf("%s with %q is answered %d: %s", route, body, a.status, a.body)
			}
		}
	}
	for by, says := range map[string]string{"0s": "0s, allowed", "-1m": "-1m0s, allowed", "721h": "721h0m0s, allowed is more than 0s, up to 720h0m0s"} {
		a := f.seller("POST", "/v1/sales/gig/extend", `{"by":"`+by+`"}`).want(400, "bad-request")
		if !strings.Contains(a.problem.Detail, says) {
			t.Errorf("an extension by %s is answered %s", by, a.body)
		}
	}
	f.seller("POST", "/v1/sales/other/release", `{"tickets":1,"changed_seq":1}`).want(404, "unknown-sale")
	if after := f.backend.AppliedSeq(); after != before {
		t.Errorf("%d decisions were made", after-before)
	}
}

// What was shed is published by its kind.
func TestShedIsPublished(t *testing.T) {
	f := serve(t)
	m := NewMetrics(f.tokens)
	m.shed.shed[shedView].Add(3)
	m.shed.shed[shedPoll].Add(4)
	m.shed.atDoor.Add(5)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	page := scrape(t, registry)
	for _, line := range []string{`onsale_shed_total{kind="view"} 3`, `onsale_shed_total{kind="poll"} 4`, `onsale_answered_at_door_total 5`} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("%s is not published", line)
		}
	}
}

// What sellers ask is counted by its route and what came of it, as what buyers ask is.
func TestSellersRequestsAreCounted(t *testing.T) {
	f := serve(t)
	f.seller("POST", "/v1/sales", newSale).want(201, "")
	f.seller("POST", "/v1/sales", newSale).want(409, "sale-exists")
	f.seller("POST", "/v1/sales", "{").want(400, "bad-request")
	page := string(f.call("GET", f.private, "/metrics", "@monitor", "").want(200, "").body)
	counted := 0
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "onsale_http_requests_total{") && strings.Contains(line, `route="sale_create"`) {
			counted++
			if !strings.HasSuffix(line, " 1") {
				t.Error(line)
			}
		}
	}
	if counted != 3 || !strings.Contains(page, `onsale_http_request_duration_seconds_count{route="sale_create"} 3`) {
		t.Errorf("%d outcomes of a route are counted:\n%s", counted, page)
	}
}

// A sale that nobody can be asked about is not one that is not there.
func TestASaleThatNobodyCanBeAskedAbout(t *testing.T) {
	f := serve(t)
	f.backend.mu.Lock()
	f.backend.fail = sequencer.ErrNoLeader
	f.backend.mu.Unlock()
	f.seller("GET", "/v1/sales/other", "").want(503, "no-leader")
	f.seller("POST", "/v1/sales/other/release", `{"tickets":1,"changed_seq":1}`).want(503, "no-leader")
}
