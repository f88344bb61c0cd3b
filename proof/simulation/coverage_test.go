package simulation

import (
	"fmt"
	"reflect"
	"strings"

	"onsale/sequencer"
)

// coverage counts what a run has met. A long run that misses something is void.
type coverage struct {
	Commands, Steps, Batches       int // commands of clients and front-ends
	Elections                      int
	StaleLeaders                   int // leaders in office when another one is elected
	DroppedEntries                 int // of an un-committed suffix, by another leader's log
	RefusedAppends                 int // of a stale leader
	Outages                        int // that a leader found
	Restarts, Snapshots            int
	Restores, Installs             int // of a replica's own snapshot, of another one's
	LostAnswers                    int // to clients
	Repeats, RepeatedBatches       int // of requests, of front-ends' batches
	Expiries, Promotions, Overdues int
	LostPayments                   int // answers of the provider that nobody heard
	Captures, Voids                int // calls
	FreeResolved, FreePaid         int // orders that cost nothing: settled by a later leader, and paid
	KeptOpen, OpenCancelled        int // attempts that waited for their buyers when a desk asked
	Authenticated                  int // buyers who came to an outcome, good or bad
	Bounces                        int // refunds that failed after they were taken
	PartsSpared, PartsReturned     int // of money, at the provider
	PartsBounced, PartsSentAgain   int // refunds of parts that failed, and were sent once more
	Disputes                       int // told, as they stood
	KeysChanged                    int // the desks have another account's key
	BegunElsewhere, BeginsRefused  int // attempts, while the key was of an account that was not accepted
	Stranded                       int // looks at what is under an account whose key the desks have not
	LateArrivals                   int // calls under a key that was changed meanwhile
	ByHandCaptured, ByHandReturned int // an operator's words that were taken
	ByHandNothing                  int
	SecondAccounts                 int // orders that were paid under another account than the first
	CallsCommitted, EndedInLine    int // of attempts in the line: called after all, and ended without a call
	Tickets, Revoked, Named        int // that orders had at the end, and refunds that named theirs
	Pseudonyms, OtherNames         int // orders under one, and buys under another name than the sale's
	Codes                          [sequencer.CodeCount]int
}

func (c *coverage) add(other *coverage) {
	sum, more := reflect.ValueOf(c).Elem(), reflect.ValueOf(other).Elem()
	for i := range sum.NumField() {
		if f := sum.Field(i); f.Kind() == reflect.Int {
			f.SetInt(f.Int() + more.Field(i).Int())
		}
	}
	for code := range c.Codes {
		c.Codes[code] += other.Codes[code]
	}
}

func (c *coverage) String() string {
	var text strings.Builder
	counts := reflect.ValueOf(c).Elem()
	for i := range counts.NumField() {
		if f := counts.Field(i); f.Kind() == reflect.Int {
			fmt.Fprintf(&text, "%s %d, ", counts.Type().Field(i).Name, f.Int())
		}
	}
	for code, n := range c.Codes {
		if n > 0 {
			fmt.Fprintf(&text, "%v %d, ", sequencer.Code(code), n)
		}
	}
	return strings.TrimSuffix(text.String(), ", ")
}

// missing names what a run should have met and has not.
func (c *coverage) missing() (names []string) {
	counts := reflect.ValueOf(c).Elem()
	for i := range counts.NumField() {
		if f := counts.Field(i); f.Kind() == reflect.Int && f.Int() == 0 {
			names = append(names, counts.Type().Field(i).Name)
		}
	}
	rare := map[sequencer.Code]bool{ // the random tests of sequencer meet these
		sequencer.CodeSaleLimit: true, sequencer.CodeSaleExists: true, sequencer.CodeUnknownSession: true,
		sequencer.CodeSaleStarted: true, sequencer.CodeOrderLimit: true,
		sequencer.CodeUnknownOrder: true, sequencer.CodeAttemptsExceeded: true,
	}
	for code, n := range c.Codes {
		if n == 0 && !rare[sequencer.Code(code)] {
			names = append(names, "code "+sequencer.Code(code).String())
		}
	}
	return names
}
