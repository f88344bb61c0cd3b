package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"onsale/api/contract"
)

// What is sold is told as events, in order, printed and delivered; and what is wrong with a question
// is named.
func TestEventsTail(t *testing.T) {
	t.Parallel()
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "4900", "--quantity", "10")
	order := into[contract.Decision](t, o.buy(0, "alice", "buy", "-q", "2", "-o", "json")).Order
	o.buy(0, "alice", "pay", order, "--method", "tok_accept")
	mustSettle(t, o)

	var mu sync.Mutex
	var delivered []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if delivered = append(delivered, string(body)); err != nil || len(delivered) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable) // it comes again
		}
	}))
	defer hook.Close()
	out := o.sell(0, "events", "tail", "--after", "", "--once", "--types", "order.*,sale.*", "--forward", hook.URL)
	var types []string
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines {
		var e contract.FeedEvent
		if json.Unmarshal([]byte(line), &e) == nil {
			types = append(types, e.Type)
		}
	}
	if want := []string{"onsale.sale.created.v1", "onsale.order.reserved.v1", "onsale.order.paid.v1"}; !slices.Equal(types, want) {
		t.Errorf("told are %v: %s", types, out)
	}
	if len(delivered) != 4 || delivered[0] != delivered[1] {
		t.Errorf("delivered are %q", delivered)
	}
	has(t, o.sell(1, "events", "tail", "--once", "--types", "order.sold"), "order.sold")
	has(t, o.sell(2, "events", "tail", "--once", "--forward", "nowhere"), "--forward")
	has(t, o.sell(3, "events", "tail", "--once", "--after", "0123456789abcdef-7"), "history-cut")
}
