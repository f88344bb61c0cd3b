package suite

import "strconv"

// Profile is how often and how large everything is measured.
type Profile struct {
	Name string

	Rounds int // of whatever is a ratio

	SellingDecisions int // T1, from an empty state
	HolderDecisions  int // T1, each at 100,000 and at 10 million holders
	CommitDecisions  int // T2
	LoneRequests     int // T2
	Entries          int // T2 and T3: batches to each log in a round
	APIRequests      int // T4

	PeerBuyers, PeerTickets int // T5
	RateRounds              int // T5's open loops
	RateSeconds             int

	Rushes, LongRushes int // T6: of 500,000 within 1 s, of 5 million within 10 s
	LeaderRounds       int // T7
	SaleBuyers         int // T8; 0 leaves it out
	Kills              int // T9
	Decisions          int // T9, before the restart
	Restarts           int // T9
}

// Full takes about 30 minutes on two cores.
func Full() Profile {
	return Profile{Name: "full", Rounds: 5,
		SellingDecisions: 10_000_000, HolderDecisions: 1_000_000, CommitDecisions: 6_000_000, LoneRequests: 2000, Entries: 500, APIRequests: 300_000,
		PeerBuyers: 80_000, PeerTickets: 16_000, RateRounds: 1, RateSeconds: 2,
		Rushes: 5, LongRushes: 3, LeaderRounds: 3, SaleBuyers: 10_000_000, Kills: 100, Decisions: 10_000_000, Restarts: 5}
}

// Quick takes about 5 minutes: fewer rounds of the same, a tenth of the kills, and no
// sale of ten million buyers. Its ratios are of two rounds and say less.
func Quick() Profile {
	return Profile{Name: "quick", Rounds: 2,
		SellingDecisions: 5_000_000, HolderDecisions: 500_000, CommitDecisions: 2_000_000, LoneRequests: 500, Entries: 100, APIRequests: 100_000,
		PeerBuyers: 30_000, PeerTickets: 6_000, RateRounds: 1, RateSeconds: 1,
		Rushes: 1, LongRushes: 1, LeaderRounds: 1, Kills: 10, Decisions: 10_000_000, Restarts: 2}
}

func itoa(n int) string  { return strconv.Itoa(n) }
func times(n int) string { return strconv.Itoa(n) + "x" }
