package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/webhook"
)

// feedNode is a node that answers every question to its feed alike, and remembers the last one.
func feedNode(t *testing.T, answer any, asked *string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		*asked = req.URL.Query().Encode()
		w.Header().Set("Content-Type", contract.DecisionMediaType)
		if problem, is := answer.(*contract.Problem); is {
			w.Header().Set("Content-Type", contract.ProblemMediaType)
			w.WriteHeader(problem.Status)
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// A page comes from whichever node has it; that events are lost, or of another history, is believed
// when every node says so, and where the histories part when one does.
func TestFeedOfSeveralNodes(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	page := &contract.FeedPage{Next: "b-2", HasMore: true, Events: []contract.FeedEvent{
		{ID: "b-1-0", Data: contract.FeedData{Sale: "arena"}}, {ID: "b-1-1", Data: contract.FeedData{Sale: "other"}}, {ID: "b-2-0"}}}
	cut := contract.NewProblem(contract.HistoryCut, "restored")
	cut.AsOf = "a-7"
	var asked string
	down := freeAddress(t)
	has, gone, parted := feedNode(t, page, &asked), feedNode(t, contract.NewProblem(contract.FeedGone, ""), &asked), feedNode(t, cut, &asked)
	foreign := feedNode(t, contract.NewProblem(contract.HistoryCut, "of another cluster"), &asked)

	for name, c := range map[string]struct {
		nodes []string
		is    func(webhook.Page, error) bool
	}{
		"the third has it": {[]string{down, gone, has}, func(p webhook.Page, err error) bool {
			return err == nil && p.Next == "b-2" && p.More && len(p.Events) == 2 && p.Events[0].ID == "b-1-0" && p.Events[1].ID == "b-2-0"
		}},
		"an old cluster's is asked first": {[]string{foreign, has}, func(_ webhook.Page, err error) bool { return err == nil }},
		"lost everywhere":                 {[]string{gone, gone}, func(_ webhook.Page, err error) bool { return errors.Is(err, webhook.ErrFeedGone) }},
		"lost, or not":                    {[]string{gone, down}, func(_ webhook.Page, err error) bool { return err != nil && !errors.Is(err, webhook.ErrFeedGone) }},
		"cut": {[]string{foreign, parted, has}, func(_ webhook.Page, err error) bool {
			var is *webhook.Cut
			return errors.As(err, &is) && is.Still == "a-7"
		}},
		"another history": {[]string{foreign, foreign}, func(_ webhook.Page, err error) bool {
			var is *webhook.Cut
			return errors.As(err, &is) && is.Still == ""
		}},
		"another history, or not": {[]string{foreign, down}, func(_ webhook.Page, err error) bool {
			var is *webhook.Cut
			return err != nil && !errors.As(err, &is)
		}},
	} {
		feed := &clusterFeed{nodes: c.nodes, secretFile: secret}
		if p, err := feed.Next(t.Context(), "b-0", webhook.Filter{Sales: []string{"arena", "third"}}, 0); !c.is(p, err) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}

	feed := &clusterFeed{nodes: []string{has}, secretFile: secret}
	_, err := feed.Next(t.Context(), webhook.Newest, webhook.Filter{Types: []string{"order.paid", "sale.*"}, Sales: []string{"arena"}}, time.Second)
	if want := "after=now&limit=256&sale=arena&types=order.paid%2Csale.%2A&wait=1s"; err != nil || asked != want {
		t.Errorf("asked is %s, %v", asked, err)
	}
}
