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
	"onsale/api/client"
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
// (P9).
func (r *run) checkOrders(ctx context.Context) {
	r.checkStates(ctx, r.history.paid, "paid", "refunded")
	r.checkStates(ctx, r.history.cancelled, "cancelled")
}

func (r *run) checkStates(ctx context.Context, orders map[string]word, allowed ...string) {
	var readers sync.WaitGroup
	var mu sync.Mutex
	places, left := make(chan struct{}, readersMax), ordersMax
	for uid, is := range orders {
		if left--; left < 0 {
			break
		}
		places <- struct{}{}
		readers.Go(func() {
			defer func() { <-places }()
			state, err := r.stateOf(ctx, is.user, uid)
			if err == nil && strings.Contains(" "+strings.Join(allowed, " ")+" ", " "+state+" ") {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			r.report.Verdict.wrong("P9", "%s was told after %v that order %s is %s (%+v); it is %q (%v)", is.user, is.at, uid, allowed[0], is.answer, state, err)
		})
	}
	readers.Wait()
}

func (r *run) stateOf(ctx context.Context, user, uid string) (string, error) {
	token, err := r.stage.token(user, auth.RoleBuyer)
	if err != nil {
		return "", err
	}
	buyer, err := client.New(client.Config{Address: r.stage.doors()[0], Token: token})
	if err != nil {
		return "", err
	}
	order, err := buyer.Order(ctx, uid)
	if err != nil {
		return "", err
	}
	return order.State, nil
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
