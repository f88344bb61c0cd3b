//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is everybody who buys.
type crowd struct {
	stage   *stage
	record  *record
	tokens  []string // of u-1, u-2, …
	clients []*http.Client
	keys    atomic.Uint64

	mu    sync.Mutex
	sales []string // that are bought from now, the newest last
}

// requestMax bounds one request: the doors answer within that, or not at all.
const requestMax = 15 * time.Second

func newCrowd(s *stage, r *record, users int) (*crowd, error) {
	c := &crowd{stage: s, record: r}
	var err error
	c.tokens, err = s.tokens("u", users)
	for range s.doors() {
		c.clients = append(c.clients, &http.Client{Timeout: requestMax, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 20 * time.Second}})
	}
	return c, err
}

func (c *crowd) newKey() string { return "k" + strconv.FormatUint(c.keys.Add(1), 36) }

// ask sends one request to a door and writes down what became of it.
func (c *crowd) ask(ctx context.Context, door int, e entry, method, path, body string) *event {
	p := c.stage.doors()[door]
	e.Door, e.Sent = p.name, c.record.now()
	told := &event{}
	e.Status, e.Again, e.Body, e.Error = c.exchange(ctx, c.clients[door], &e, method, "http://"+p.at()+":8101"+path, body)
	e.Told = c.record.now()
	c.record.add(&e)
	told.entry = e
	if len(e.Body) > 0 {
		_ = told.answer.UnmarshalJSON(e.Body) // it was looked at before
	}
	return told
}

// answerBytesMax bounds an answer: a page of orders is the longest.
const answerBytesMax = 4 << 20

func (c *crowd) exchange(ctx context.Context, client *http.Client, e *entry, method, address, body string) (status int, again bool, text []byte, failed string) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, false, nil, err.Error()
	}
	if e.User != "" {
		number, _ := strconv.Atoi(strings.TrimPrefix(e.User, "u-"))
		request.Header.Set("Authorization", "Bearer "+c.tokens[number-1])
	}
	if e.Kind == buy || e.Kind == probe {
		request.Header.Set("Idempotency-Key", e.Key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	told, err := client.Do(request)
	if err != nil {
		return 0, false, nil, err.Error()
	}
	defer told.Body.Close()
	text, err = io.ReadAll(io.LimitReader(told.Body, answerBytesMax))
	var is answer
	if err == nil {
		err = is.UnmarshalJSON(text)
	}
	if err != nil { // half of an answer is none
		return 0, false, nil, err.Error()
	}
	return told.StatusCode, told.Header.Get("Idempotent-Replayed") == "true", bytes.TrimSpace(text), ""
}

func (c *crowd) anyDoor() int { return rand.IntN(len(c.clients)) }

// tries is how often a buyer asks at most, always with the same key.
const tries = 8

// buy asks until there is a decision; nil when the buyer gave up.
func (c *crowd) buy(ctx context.Context, e entry, door func() int) *event {
	query := url.Values{"q": {strconv.Itoa(e.Quantity)}, "sale": {e.Sale}, "reference": {e.Key}}
	if e.Min > 0 {
		query.Set("min", strconv.Itoa(e.Min))
	}
	for range tries {
		told := c.ask(ctx, door(), e, http.MethodPost, "/v1/tickets?"+query.Encode(), "")
		switch {
		case told.decided():
			return told
		case ctx.Err() != nil || told.Status >= 400 && told.Status < 500 && told.Status != 429:
			return nil // a problem that stays; the checks look at which
		}
		pause(ctx, time.Duration(100+rand.IntN(700))*time.Millisecond)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// live is one buyer's life: again and again as somebody of the crowd.
func (c *crowd) live(ctx context.Context) {
	for ctx.Err() == nil {
		sale := c.pick()
		if sale != "" {
			c.visit(ctx, sale)
		}
		pause(ctx, time.Duration(20+rand.IntN(60))*time.Millisecond)
	}
}

func (c *crowd) pick() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sales) == 0 {
		return ""
	}
	return c.sales[rand.IntN(len(c.sales))]
}

// open lets the crowd buy from a sale too; of those before the newest few are left.
func (c *crowd) open(sale string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sales = append(c.sales, sale)
	c.sales = c.sales[max(0, len(c.sales)-openSales):]
}

const openSales = 4

// isRush reports whether tickets of a sale never come back: nobody pays or cancels, and
// holds outlast the run.
func isRush(sale string) bool { return strings.HasPrefix(sale, "rush") }

func (c *crowd) visit(ctx context.Context, sale string) {
	e := entry{Kind: buy, User: fmt.Sprintf("u-%d", 1+rand.IntN(len(c.tokens))), Sale: sale, Key: c.newKey(), Quantity: 1}
	if !isRush(sale) && rand.IntN(2) == 0 {
		e.Quantity, e.Min = 2, rand.IntN(2)
	}
	var twin sync.WaitGroup
	if rand.IntN(20) == 0 { // a second tab sends the same
		twin.Go(func() { c.buy(ctx, e, c.anyDoor) })
	}
	told := c.buy(ctx, e, c.anyDoor)
	if told != nil && told.answer.Order != "" {
		c.keepOrLeave(ctx, &e, told)
	}
	if rand.IntN(8) == 0 {
		c.buy(ctx, e, c.anyDoor)
	}
	twin.Wait()
}

// methods are the sandbox's, and how many of a hundred payments are made with each.
var methods = []struct {
	name  string
	share int
}{{"tok_accept", 60}, {"tok_decline", 15}, {"tok_lost", 10}, {"tok_delay_500ms", 10}, {"tok_late_500ms", 5}}

func anyMethod() string {
	at := rand.IntN(100)
	for _, m := range methods {
		if at -= m.share; at < 0 {
			return m.name
		}
	}
	return methods[0].name
}

// keepOrLeave pays, cancels or lets the time run out, and looks at the order.
func (c *crowd) keepOrLeave(ctx context.Context, bought *entry, told *event) {
	e := entry{User: bought.User, Sale: bought.Sale, Key: bought.Key, Order: told.answer.Order}
	path := "/v1/orders/" + e.Order
	look := func() {
		e.Kind = read
		c.ask(ctx, c.anyDoor(), e, http.MethodGet, path, "")
	}
	if rand.IntN(3) == 0 {
		look()
	}
	if isRush(e.Sale) {
		return
	}
	switch choice := rand.IntN(100); {
	case choice < 45 && told.answer.State == "reserved":
		e.Kind = pay
		for range tries / 2 {
			e.Method = anyMethod()
			answered := c.ask(ctx, c.anyDoor(), e, http.MethodPost, "/v1/tickets/payment", fmt.Sprintf(`{"order":%q,"method":%q}`, e.Order, e.Method))
			if answered.decided() && answered.answer.Status != "rejected" && answered.Status == 200 || ctx.Err() != nil {
				break
			}
			pause(ctx, time.Duration(100+rand.IntN(400))*time.Millisecond)
		}
		e.Method = ""
	case choice < 70:
		e.Kind = cancel
		c.ask(ctx, c.anyDoor(), e, http.MethodDelete, path, "")
	}
	if rand.IntN(2) == 0 {
		look()
	}
}
