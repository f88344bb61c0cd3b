package main

import "math/rand/v2"

// means is what a buyer pays with.
type means struct {
	name    string // as the sandbox knows it
	share   int    // of a hundred payments
	refunds int    // of a hundred such orders that the seller takes back
	answer  string // on the bank's page; "" abandons it
}

// allMeans are all that the drill pays with. What stays a difference is rare: reconciling tells a
// thousand at most, which an hour must not reach.
var allMeans = []means{
	{"tok_accept", 40, 30, ""},
	{"tok_double_webhook", 4, 30, ""},
	{"tok_decline", 8, 0, ""},
	{"tok_insufficient_funds", 2, 0, ""},
	{"tok_lost", 5, 20, ""},
	{"tok_delay_500ms", 6, 20, ""},
	{"tok_late_900ms", 4, 20, ""},
	{"tok_never", 1, 0, ""},
	{"tok_3ds", 8, 20, "complete"},
	{"tok_3ds", 3, 0, "refuse"},
	{"tok_3ds", 3, 0, ""},
	{"tok_3ds_passes_700ms", 3, 20, "complete"},
	{"tok_refund_fails_2000ms", 7, 80, ""},
	{"tok_refund_always_fails_1500ms", 1, 80, ""},
	{"tok_refund_refused", 1, 80, ""},
	{"tok_disputed_900ms", 2, 15, ""},
	{"tok_disputed_won_900ms", 1, 15, ""},
	{"tok_disputed_lost_900ms", 1, 15, ""},
}

// anyMeans draws one by their shares.
func anyMeans() means {
	at := rand.IntN(100)
	for _, m := range allMeans {
		if at -= m.share; at < 0 {
			return m
		}
	}
	return allMeans[0]
}
