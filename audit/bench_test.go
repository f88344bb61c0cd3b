package audit

import (
	"fmt"
	"testing"
	"time"

	"onsale/sequencer"
)

// rush is batches of distinct buyers, of whom few are served.
func rush(requests, perBatch int, keys bool) []sequencer.Batch {
	list := []sequencer.Batch{{Time: storyStart, Commands: []sequencer.Command{
		{Kind: sequencer.KindSaleCreate, Body: storySpec("spring", uint32(requests/10), 0)},
	}}}
	for made := 0; made < requests; {
		b := sequencer.Batch{Time: storyStart + int64(made)*int64(time.Microsecond)}
		for range perBatch {
			made++
			c := sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, User: fmt.Appendf(nil, "buyer-%d", made), Quantity: 1}
			if keys {
				c.Key = sequencer.DigestKey(c.User, []byte("only"))
			}
			b.Commands = append(b.Commands, c)
		}
		list = append(list, b)
	}
	return list
}

// BenchmarkRun audits a journal of a million requests.
func BenchmarkRun(b *testing.B) {
	for _, bench := range []struct {
		name    string
		keys    bool
		o       Options
		verdict Verdict
	}{
		{"keys", true, Options{}, VerdictClean},
		{"no-keys", false, Options{}, VerdictClean},
		{"no-state-hash", false, Options{SkipStateHash: true}, VerdictClean},
		{"ledger-only", false, Options{LedgerOnly: true}, VerdictUnchecked},
	} {
		b.Run(bench.name, func(b *testing.B) {
			dir, _ := record(b, decided(rush(1_000_000, 1000, bench.keys), honest))
			requests := uint64(0)
			b.ResetTimer()
			for range b.N {
				r := mustRun(b, dir, bench.o)
				if r.Verdict != bench.verdict || r.FindingCount > 0 {
					b.Fatal(r)
				}
				requests += r.Requests
			}
			b.ReportMetric(float64(requests)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
