package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
)

// scripted is a server that answers one request after another as a test says; the last answer
// is given again and again.
type scripted struct {
	mu      sync.Mutex
	answers []scriptedAnswer
	asked   []string // what was asked, with its query
	address string
}

// scriptedAnswer is one of them; a status of 0 hangs up without a word.
type scriptedAnswer struct {
	status int
	body   string
}

func follow(t *testing.T, answers ...scriptedAnswer) *scripted {
	s := &scripted{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.address = strings.TrimPrefix(server.URL, "http://")
	return s
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.String())
	next := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if next.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", contract.DecisionMediaType)
	w.Header().Set("Etag", `"`+fmt.Sprint(len(s.asked))+`"`)
	if next.status >= 400 {
		w.Header().Set("Content-Type", contract.ProblemMediaType)
	}
	w.WriteHeader(next.status)
	_, _ = w.Write([]byte(next.body)) // who is gone needs no answer
}

func (s *scripted) requests() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, "\n")
}

const scriptedUID = "000G000000000002"

func paymentAnswer(status int, words string) scriptedAnswer {
	return scriptedAnswer{status, `{"order":"` + scriptedUID + `","seq":3,` + words + `}`}
}

func orderAnswer(words string) scriptedAnswer {
	return scriptedAnswer{200, `{"uid":"` + scriptedUID + `","attempts":1,"as_of_seq":9,` + words + `}`}
}

func saleAnswer(unsettled int) scriptedAnswer {
	return scriptedAnswer{200, fmt.Sprintf(`{"id":"gig","status":"cancelled","unsettled_orders":%d}`, unsettled)}
}

func problem(status int, code string) scriptedAnswer {
	return scriptedAnswer{status, fmt.Sprintf(`{"status":%d,"code":%q,"title":"it is %s"}`, status, code, code)}
}

// What a payment exits with: 202 is no refusal, and --wait waits for what comes of it.
func TestPayExitCodes(t *testing.T) {
	t.Parallel()
	pending := paymentAnswer(202, `"status":"timeout","reason":"provider_timeout","state":"paying","callback":"/v1/orders/x"`)
	accepted := paymentAnswer(200, `"status":"accepted","state":"paid","payment_ref":"r"`)
	paying, paid := orderAnswer(`"state":"paying"`), orderAnswer(`"state":"paid","payment_ref":"r"`)
	for name, c := range map[string]struct {
		answers []scriptedAnswer
		more    []string
		code    int
		words   []string
		last    string // the request that brought the outcome
	}{
		"accepted":       {answers: []scriptedAnswer{accepted}, words: []string{"accepted", "paid"}},
		"declined":       {answers: []scriptedAnswer{paymentAnswer(200, `"status":"rejected","reason":"declined","state":"reserved"`)}, code: 3, words: []string{"refused: rejected, declined"}},
		"under way":      {answers: []scriptedAnswer{pending}, code: 5, words: []string{"provider_timeout", "under way and may still be taken", "--wait"}},
		"lost":           {answers: []scriptedAnswer{{}}, code: 5},
		"nobody leads":   {answers: []scriptedAnswer{problem(503, "no-leader")}, code: 4},
		"not sent, wait": {answers: []scriptedAnswer{problem(503, "no-leader")}, more: []string{"--wait"}, code: 4},
		"payments off":   {answers: []scriptedAnswer{problem(501, "payments-off")}, more: []string{"--wait"}, code: 1},
		"wait, taken": {answers: []scriptedAnswer{pending, paying, {304, ""}, problem(503, "no-leader"), {}, paid}, more: []string{"--wait"},
			words: []string{"accepted", "payment_ref"}, last: "GET /v1/orders/" + scriptedUID + "?wait=20s"},
		"wait, declined": {answers: []scriptedAnswer{pending, orderAnswer(`"state":"reserved","payment_reason":"insufficient_funds"`)}, more: []string{"--wait"}, code: 3,
			words: []string{"refused: rejected, insufficient_funds"}},
		"wait, abandoned":   {answers: []scriptedAnswer{pending, orderAnswer(`"state":"reserved"`)}, more: []string{"--wait"}, code: 3, words: []string{"attempt_cancelled"}},
		"wait, expired":     {answers: []scriptedAnswer{pending, orderAnswer(`"state":"expired"`)}, more: []string{"--wait"}, code: 3, words: []string{"timeout, session_expired"}},
		"wait, too late":    {answers: []scriptedAnswer{pending, orderAnswer(`"state":"cancelled","money_back":"due"`)}, more: []string{"--wait"}, code: 3, words: []string{"too_late"}},
		"wait, no outcome":  {answers: []scriptedAnswer{pending, paying}, more: []string{"--wait", "--wait-max", "1s"}, code: 5, words: []string{"paying", "under way and may still be taken"}},
		"wait, gone":        {answers: []scriptedAnswer{pending, {}}, more: []string{"--wait", "--wait-max", "1s"}, code: 5, words: []string{"may still be taken"}},
		"wait, token ended": {answers: []scriptedAnswer{pending, problem(401, "unauthorized")}, more: []string{"--wait"}, code: 5, words: []string{"no outcome yet", "unauthorized"}},
		"wait, lost then taken": {answers: []scriptedAnswer{{}, problem(503, "no-leader"), accepted}, more: []string{"--wait"}, words: []string{"accepted"},
			last: "POST /v1/tickets/payment"},
		"wait, lost then nobody": {answers: []scriptedAnswer{{}, problem(503, "no-leader")}, more: []string{"--wait", "--wait-max", "1s"}, code: 5, words: []string{"no outcome yet"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := follow(t, c.answers...)
			text := command(t, c.code, append([]string{"pay", scriptedUID, "--method", "m", "--token", "x", "--http", s.address}, c.more...)...)
			has(t, text, c.words...)
			if asked := s.requests(); !strings.HasSuffix(asked, c.last) {
				t.Errorf("asked\n%s", asked)
			}
		})
	}
}

// A refund is decided at once, and its money is back later, or not.
func TestRefundExitCodes(t *testing.T) {
	t.Parallel()
	due := orderAnswer(`"state":"refunded","money_back":"due"`)
	for name, c := range map[string]struct {
		answers []scriptedAnswer
		more    []string
		code    int
		words   []string
	}{
		"free":         {answers: []scriptedAnswer{orderAnswer(`"state":"refunded"`)}, more: []string{"--wait"}, words: []string{"refunded"}},
		"on its way":   {answers: []scriptedAnswer{due}, words: []string{"refunded", "on its way back; --wait"}},
		"not paid":     {answers: []scriptedAnswer{problem(409, "not-paid")}, more: []string{"--wait"}, code: 1, words: []string{"not-paid"}},
		"lost":         {answers: []scriptedAnswer{{}}, more: []string{"--wait"}, code: 5, words: []string{"look before you repeat it"}},
		"wait":         {answers: []scriptedAnswer{due, {}, problem(503, "behind"), due, orderAnswer(`"state":"refunded","money_back":"done"`)}, more: []string{"--wait"}, words: []string{"done"}},
		"wait, fails":  {answers: []scriptedAnswer{due, orderAnswer(`"state":"refunded","money_back":"failed","money_back_reason":"method_gone"`)}, more: []string{"--wait"}, code: 3, words: []string{"method_gone", "find another way"}},
		"wait, stays":  {answers: []scriptedAnswer{due, due}, more: []string{"--wait", "--wait-max", "1s"}, code: 5, words: []string{"still on its way back"}},
		"wait, hidden": {answers: []scriptedAnswer{due, problem(403, "forbidden")}, more: []string{"--wait"}, code: 5, words: []string{"no outcome yet", "forbidden", "refunded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := follow(t, c.answers...)
			text := command(t, c.code, append([]string{"order", "refund", scriptedUID, "--token", "x", "--private", s.address}, c.more...)...)
			has(t, text, c.words...)
		})
	}
}

// A cancelled sale is cancelled at once, and its buyers' money is back later.
func TestCancelSaleExitCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []scriptedAnswer
		more    []string
		code    int
		words   []string
	}{
		"settled":     {answers: []scriptedAnswer{saleAnswer(0)}, more: []string{"--wait"}, words: []string{"cancelled"}},
		"under way":   {answers: []scriptedAnswer{saleAnswer(7)}, words: []string{"cancelled", "7 orders wait for the payment provider; --wait"}},
		"lost":        {answers: []scriptedAnswer{{}}, more: []string{"--wait"}, code: 5, words: []string{"look before you repeat it"}},
		"wait":        {answers: []scriptedAnswer{saleAnswer(7), saleAnswer(7), problem(503, "no-leader"), saleAnswer(2), saleAnswer(0)}, more: []string{"--wait"}, words: []string{"cancelled"}},
		"wait, stays": {answers: []scriptedAnswer{saleAnswer(7), saleAnswer(3)}, more: []string{"--wait", "--wait-max", "1s"}, code: 5, words: []string{"3 orders wait for the payment provider"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := follow(t, c.answers...)
			text := command(t, c.code, append([]string{"sale", "cancel", "gig", "--yes", "--token", "x", "--private", s.address}, c.more...)...)
			has(t, text, c.words...)
		})
	}
}

// The same with a node and a provider that is slow.
func TestWaitForAProvider(t *testing.T) {
	testenv.TakesLong(t, "a provider takes its time")
	t.Parallel()
	o := openOffice(t, func(s *settings) { s.Payment.Provider, s.Web.PayWait = providerSandbox, 20*time.Millisecond })
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "100", "--quantity", "4")
	uid := into[contract.Decision](t, o.buy(0, "ann", "buy", "-o", "json")).Order
	has(t, o.buy(5, "ann", "pay", uid, "--method", "tok_delay_1500ms"), "provider_timeout", "may still be taken")
	if sale := into[contract.SaleDetail](t, o.sell(0, "sale", "show", "gig", "-o", "json")); sale.UnsettledOrders == nil || *sale.UnsettledOrders != 1 {
		t.Errorf("%+v", sale)
	}
	has(t, o.buy(0, "ann", "pay", uid, "--method", "tok_delay_1500ms", "--wait"), "accepted")
	has(t, o.sell(0, "order", "refund", uid, "--wait"), "refunded", "money_back", "done")
	second := into[contract.Decision](t, o.buy(0, "bob", "buy", "-o", "json")).Order
	o.buy(0, "bob", "pay", second, "--method", "tok_accept", "--wait")
	if sale := into[contract.SaleDetail](t, o.sell(0, "sale", "cancel", "gig", "--yes", "--wait", "-o", "json")); sale.UnsettledOrders == nil || *sale.UnsettledOrders != 0 {
		t.Errorf("%+v", sale)
	}
	if order := into[contract.Order](t, o.buy(0, "bob", "order", "get", second, "-o", "json")); order.MoneyBack != contract.MoneyDone {
		t.Errorf("%+v", order)
	}
}

// A buy that is taken has its order at once, whose 202 is no open question; an orphan of which
// nobody knows whether it went back is one.
func TestOtherExitCodes(t *testing.T) {
	t.Parallel()
	bought := follow(t, scriptedAnswer{202, `{"status":"pending","order":"` + scriptedUID + `","state":"reserved","seq":2}`})
	has(t, command(t, 0, "buy", "--token", "x", "--http", bought.address), "reserved")
	key := "00112233445566778899aabbccddeeff-" + scriptedUID + "-01"
	for code, answer := range map[int]scriptedAnswer{5: problem(504, "outcome-unknown"), 4: problem(502, "payment-provider-silent")} {
		s := follow(t, answer)
		command(t, code, "payments", "orphans", "--refund", key, "--reason", "lost", "--token", "x", "--private", s.address)
	}
}
