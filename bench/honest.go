package bench

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// HonestReport is how buyers fared who pressed once while a node was flooded. Latencies run
// from the press, the connection and all retries included, to the decision.
type HonestReport struct {
	Outcomes map[string]uint64  `json:"outcomes"`
	Retries  uint64             `json:"retries"`
	Millis   map[string]float64 `json:"latency_ms"`
	// Undecided got no decision within honestPatience.
	Undecided uint64 `json:"undecided"`
}

// honestPatience is how long an honest buyer goes on trying, always with one key.
const honestPatience = time.Minute

// honest is a crowd that does as it is told.
type honest struct {
	secret []byte
	sale   string
	first  uint64 // the buyers are first+1 and so on
	target func(context.Context) (string, error)

	mu      sync.Mutex
	latency *hdrhistogram.Histogram
	report  HonestReport
}

// press lets so many buyers press once, at times chosen at random, and returns when all
// have their answers.
func (h *honest) press(ctx context.Context, count int, over time.Duration) *HonestReport {
	h.latency, h.report.Outcomes = hdrhistogram.New(1, latencyMax, 3), map[string]uint64{}
	var group sync.WaitGroup
	for i := range count {
		at := time.Now().Add(rand.N(over))
		group.Go(func() {
			select {
			case <-time.After(time.Until(at)):
				h.buy(ctx, h.first+uint64(i)+1, at)
			case <-ctx.Done():
			}
		})
	}
	group.Wait()
	h.report.Millis = millis(h.latency)
	return &h.report
}

// buy buys one ticket, and comes back when and as it is told to.
func (h *honest) buy(ctx context.Context, buyer uint64, pressed time.Time) {
	l := line{target: h.target, timeout: honestPatience}
	defer l.hangUp()
	request := newBuyRequest("onsale", h.sale, 1, newMinter(h.secret, time.Now()))
	for retries := uint64(0); ; retries++ {
		answer, err := l.ask(ctx, request.of(buyer))
		if err == nil && (answer.status == 200 || answer.status == 202) {
			h.note(answer.outcome(), retries, time.Since(pressed))
			return
		}
		if err != nil {
			l.hangUp()
		}
		if time.Since(pressed) > honestPatience || ctx.Err() != nil {
			h.note("", retries, 0)
			return
		}
		time.Sleep(max(answer.retryAfter, 200*time.Millisecond))
	}
}

// note counts a buyer who is done; outcome is "" for who got no decision.
func (h *honest) note(outcome string, retries uint64, latency time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Retries += retries
	if outcome == "" {
		h.report.Undecided++
		return
	}
	h.report.Outcomes[outcome]++
	record(h.latency, latency)
}
