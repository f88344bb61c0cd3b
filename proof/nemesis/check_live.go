package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"onsale/api/auth"
	"onsale/api/contract"
)

// What a quiet process may have at most: far above what it needs, far below what a leak
// of one a request would come to.
const (
	goroutinesMax    = 2000
	memoryBytesMax   = 1 << 30
	bytesPerPurchase = 512 // on top: orders and keys are kept
)

// readersMax bounds the orders that are read at once, and ordersMax how many of each kind
// are.
const (
	readersMax = 16
	ordersMax  = 20_000
)

// checkOrders reads every order of which a buyer was told that it is paid or cancelled
// (P9), and those of which one of two tickets is left; the money of one that was paid is back by
// now.
func (r *run) checkOrders(ctx context.Context) {
	r.checkEach(ctx, r.history.paid, "paid or refunded", func(o *contract.Order) bool { return o.State == "paid" || o.State == "refunded" })
	r.checkEach(ctx, r.history.cancelled, "cancelled", func(o *contract.Order) bool { return o.State == "cancelled" })
	r.checkEach(ctx, r.history.halved, "of one ticket", func(o *contract.Order) bool { return o.Quantity == 1 && len(o.Parts) == 0 })
	r.checkEach(ctx, r.history.refunded, "of one ticket and the money of another back", func(o *contract.Order) bool {
		return o.State == "paid" && o.Quantity == 1 && len(o.Parts) == 1 && o.Parts[0].Quantity == 1 && o.Parts[0].MoneyBack == contract.MoneyDone
	})
	r.checkEach(ctx, r.history.returned, "refunded and its money back", func(o *contract.Order) bool {
		return o.State == "refunded" && o.MoneyBack == contract.MoneyDone
	})
}

func (r *run) checkEach(ctx context.Context, orders map[string]word, what string, is func(*contract.Order) bool) {
	var readers sync.WaitGroup
	var mu sync.Mutex
	places, left := make(chan struct{}, readersMax), ordersMax
	for uid, told := range orders {
		if left--; left < 0 {
			break
		}
		places <- struct{}{}
		readers.Go(func() {
			defer func() { <-places }()
			order, err := r.orderOf(ctx, told.user, uid)
			if err == nil && is(order) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			r.report.Verdict.wrong("P9", "%s was told after %v that order %s is %s (%+v); it is %+v (%v)", told.user, told.at, uid, what, told.answer, order, err)
		})
	}
	readers.Wait()
}

func (r *run) orderOf(ctx context.Context, user, uid string) (*contract.Order, error) {
	buyer, err := r.stage.userAt(http.DefaultClient, r.stage.doors()[0], user)
	if err != nil {
		return nil, err
	}
	return buyer.Order(ctx, uid)
}

// checkLeaks looks at what each process still holds when nobody asks anything.
func (r *run) checkLeaks(ctx context.Context) {
	bytesMax := float64(memoryBytesMax + bytesPerPurchase*len(r.history.operations))
	for _, p := range append(append([]*process{}, r.stage.voters()...), r.stage.frontEnds...) {
		for name, most := range map[string]float64{"go_goroutines": goroutinesMax, "process_resident_memory_bytes": bytesMax} {
			if value, err := r.metricOf(ctx, p, name); err != nil || value > most {
				r.report.Verdict.wrong("leak", "%s of %s is %.0f, at most %.0f is right (%v)", name, p.name, value, most, err)
			}
		}
	}
}

func (r *run) metricOf(ctx context.Context, p *process, name string) (float64, error) {
	token, err := r.stage.token("monitor", auth.RoleMonitor)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.host.address+":8201/metrics", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}
