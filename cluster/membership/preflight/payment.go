package preflight

import (
	"fmt"
	"strings"
	"time"

	"onsale/cluster/membership"
)

// provider looks whether each node reaches the payment provider, in one account that is accepted:
// any of them may lead.
func provider(q *Question) (found []Line) {
	if q.Sale.Price == 0 {
		return []Line{{Verdict: OK, Detail: "not needed: the sale costs nothing"}}
	}
	var first *membership.Provider
	for _, id := range q.told() {
		is := q.Facts[id].Provider
		bad := func(detail, action string) {
			found = append(found, Line{Verdict: Fail, Member: id, Detail: detail, Action: action})
		}
		switch {
		case is == nil:
			bad("it takes no payments", "start it with --payment, as the others")
			continue
		case is.Error != "":
			bad("its payment provider does not answer: "+is.Error, "see its way to the provider, and its key")
		case is.Accepted != "" && is.Accepted != is.Account:
			bad(fmt.Sprintf("it speaks for account %s, new charges are made under %s", is.Account, is.Accepted), "give it the other key, or onsale payments accept-account")
		case first != nil && first.Account != is.Account:
			bad(fmt.Sprintf("it speaks for account %s, another node for %s", is.Account, first.Account), "give all nodes one key")
		}
		if first == nil {
			first = is
		}
	}
	if len(found) > 0 || first == nil {
		return found
	}
	test := strings.Contains(first.Account, "/test/")
	switch {
	case q.Sale.Test && !test:
		return []Line{{Verdict: Fail, Detail: "account " + first.Account + " moves money, and the sale is a test", Action: "give the nodes the test key, and onsale payments accept-account"}}
	case test && !q.Sale.Test:
		return []Line{{Verdict: Warning, Detail: "account " + first.Account + " moves no money", Action: "give the nodes the live key before tickets are sold, and onsale payments accept-account"}}
	}
	return []Line{{Verdict: OK, Detail: "every node reaches account " + first.Account}}
}

// noticeAgeMax is how old the newest webhook may be.
const noticeAgeMax = 24 * time.Hour

// webhooks looks whether the provider's arrive. Without them outcomes are asked for, which is slower
// and takes calls.
func webhooks(q *Question) []Line {
	if q.Sale.Price == 0 {
		return []Line{{Verdict: OK, Detail: "not needed: the sale costs nothing"}}
	}
	var newest *time.Time
	bad, any := uint64(0), false
	for _, id := range q.told() {
		if is := q.Facts[id].Provider; is != nil {
			any = true
			bad += is.BadNotices
			if is.NoticeAt != nil && (newest == nil || is.NoticeAt.After(*newest)) {
				newest = is.NoticeAt
			}
		}
	}
	switch {
	case !any:
		return nil // provider says so
	case newest == nil && bad > 0:
		return []Line{{Verdict: Fail, Detail: fmt.Sprintf("%d came, and all were refused", bad), Action: "see that --payment-webhook-secret-file has the secret of the provider's page"}}
	case newest == nil:
		return []Line{{Verdict: Warning, Detail: "none came since the nodes' start", Action: "send a test event from the provider's page, or pay one order"}}
	case q.Now.Sub(*newest) > noticeAgeMax:
		return []Line{{Verdict: Warning, Detail: "the newest came at " + newest.UTC().Format(time.RFC3339), Action: "send a test event from the provider's page, or pay one order"}}
	}
	return []Line{{Verdict: OK, Detail: "the newest came at " + newest.UTC().Format(time.RFC3339)}}
}
