package main

import "strconv"

// profile is how often and how large everything is measured.
type profile struct {
	name string

	rounds int // of whatever is a ratio

	sellingDecisions int // T1, from an empty state
	holderDecisions  int // T1, each at 100,000 and at 10 million holders
	commitDecisions  int // T2
	loneRequests     int // T2
	entries          int // T2 and T3: batches to each log in a round
	apiRequests      int // T4

	peerBuyers, peerTickets int // T5
	directDecisions         int // T5, engine to engine
	rateRounds              int // T5's open loops
	rateSeconds             int

	rushes, longRushes int // T6: of 500,000 within 1 s, of 5 million within 10 s
	leaderRounds       int // T7
	saleBuyers         int // T8; 0 leaves it out
	kills              int // T9
	decisions          int // T9, before the restart
	restarts           int // T9
}

// full takes about 30 minutes on two cores.
func full() *profile {
	return &profile{name: "full", rounds: 5,
		sellingDecisions: 10_000_000, holderDecisions: 1_000_000, commitDecisions: 6_000_000, loneRequests: 2000,
		entries: 500, apiRequests: 300_000,
		peerBuyers: 80_000, peerTickets: 16_000, directDecisions: 500_000, rateRounds: 1, rateSeconds: 2,
		rushes: 5, longRushes: 3, leaderRounds: 3, saleBuyers: 10_000_000, kills: 100, decisions: 10_000_000,
		restarts: 5}
}

// quick takes about 5 minutes: fewer rounds of the same, a tenth of the kills, and no
// sale of ten million buyers. Its ratios are of two rounds and say less.
func quick() *profile {
	return &profile{name: "quick", rounds: 2,
		sellingDecisions: 5_000_000, holderDecisions: 500_000, commitDecisions: 2_000_000, loneRequests: 500,
		entries: 100, apiRequests: 100_000,
		peerBuyers: 30_000, peerTickets: 6_000, directDecisions: 100_000, rateRounds: 1, rateSeconds: 1,
		rushes: 1, longRushes: 1, leaderRounds: 1, kills: 10, decisions: 10_000_000, restarts: 2}
}

func itoa(n int) string  { return strconv.Itoa(n) }
func times(n int) string { return strconv.Itoa(n) + "x" }
