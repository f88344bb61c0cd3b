package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

// feed of a fixture has ten events, a sale's each; what was asked is kept.
func (f *fixture) feed(ctx context.Context, q contract.FeedQuestion) (*contract.FeedPage, error) {
	f.asked.Store(&q)
	if q.After == "00000000000000aa-99" {
		problem := contract.NewProblem(contract.FeedGone, "gone")
		problem.Oldest = "00000000000000aa-3"
		return nil, problem
	}
	page := &contract.FeedPage{Events: []contract.FeedEvent{}, Next: "00000000000000aa-10", AsOf: "00000000000000aa-10"}
	if q.After == page.Next {
		if q.Wait > 0 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return page, nil
	}
	for place := range 10 {
		sale := fmt.Sprint("s", place%2)
		if q.Sees == nil || q.Sees(sale) {
			page.Events = append(page.Events, contract.FeedEvent{SpecVersion: contract.FeedSpecVersion, ID: fmt.Sprint("00000000000000aa-7-", place), Source: "urn:onsale:cluster:aa",
				Type: "onsale.sale.paused.v1", Subject: sale, DataContentType: "application/json", Seq: 9, Data: contract.FeedData{Sale: sale}})
		}
	}
	return page, nil
}

// What a query says of the feed reaches it, and what is wrong is named.
func TestFeedQuestions(t *testing.T) {
	f := serve(t)
	seller := f.sellerClient()
	page, err := seller.Feed(t.Context(), client.FeedQuery{After: contract.FeedNow, Types: []string{"order.*", "sale.paused"}, Limit: 1000})
	if err != nil || len(page.Events) != 10 || page.Events[9].Seq != 9 {
		t.Fatalf("%+v, %v", page, err)
	}
	if q := f.asked.Load(); q.After != "now" || len(q.Types) != 2 || q.Types[0] != "order.*" || q.Limit != 1000 || q.Sees != nil {
		t.Errorf("asked was %+v", q)
	}
	f.call("GET", f.private, "/v1/feed", "@auditor", "").want(200, "")
	if q := f.asked.Load(); q.Limit != contract.FeedEventsDefault || q.Wait != 0 || q.Types != nil {
		t.Errorf("asked was %+v", q)
	}
	for query, want := range map[string]string{"limit=1001": "bad-request", "limit=0": "bad-request", "wait=61s": "bad-request", "after=a%2Fb": "bad-request", "types=": "bad-request",
		"types=a;b": "bad-request", "state=paid": "bad-request"} {
		f.call("GET", f.private, "/v1/feed?"+query, "@seller", "").want(400, want)
	}
	f.call("GET", f.private, "/v1/feed?sale=nowhere", "@seller", "").want(404, "unknown-sale")
	f.call("GET", f.private, "/v1/feed?after=00000000000000aa-99", "@seller", "").want(410, "feed-gone")
	f.call("GET", f.private, "/v1/feed", "ann", "").want(403, "forbidden")
	f.call("GET", f.private, "/v1/feed", "", "").want(401, "unauthorized")
}

// A token that is for some sales hears of those.
func TestFeedOfSomeSales(t *testing.T) {
	f := serve(t)
	f.sale("s1", nil)
	f.sale("s2", nil)
	page := into[contract.FeedPage](f.call("GET", f.private, "/v1/feed", "@seller:s1", "").want(200, ""))
	if len(page.Events) != 5 || page.Events[0].Data.Sale != "s1" {
		t.Errorf("%+v", page.Events)
	}
	f.call("GET", f.private, "/v1/feed?sale=s1", "@seller:s1", "").want(200, "")
	f.call("GET", f.private, "/v1/feed?sale=s2", "@seller:s1", "").want(404, "unknown-sale")
}

// A stream has an event a line, and goes on.
func TestFeedLines(t *testing.T) {
	f := serve(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.private+"/v1/feed", nil)
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+f.token("@seller"))
	request.Header.Set("Accept", "text/plain, application/x-ndjson;q=1")
	bare := http.Client{Transport: &http.Transport{}} // the fixture's reads an answer to its end
	defer bare.CloseIdleConnections()
	response, err := bare.Do(request)
	must(t, err)
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != contract.FeedLinesMediaType {
		t.Fatalf("%s, %s", response.Status, kind)
	}
	lines := bufio.NewScanner(response.Body)
	for place := range 10 {
		var e contract.FeedEvent
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &e) != nil || !strings.HasSuffix(e.ID, fmt.Sprint("-", place)) {
			t.Fatalf("line %d is %q", place, lines.Text())
		}
	}
}

// A listener that ends does not wait for who waits for an event.
func TestFeedEndsWithTheListener(t *testing.T) {
	f := serve(t)
	waited, seller := make(chan error), f.sellerClient()
	go func() {
		_, err := seller.Feed(context.Background(), client.FeedQuery{After: "00000000000000aa-10", Wait: time.Minute})
		waited <- err
	}()
	for q := f.asked.Load(); q == nil || q.Wait == 0; q = f.asked.Load() {
		runtime.Gosched()
	}
	f.stopPrivate()
	if err := <-waited; !errors.Is(err, sequencer.ErrStopping) {
		t.Error(err)
	}
}
