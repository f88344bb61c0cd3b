package fake

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Config is what a fake needs.
type Config struct {
	Key           string // the API key that callers must show
	Account       string // the account's id; "" for acct_fake
	WebhookSecret []byte
	// Notify sends a webhook; nil for none. It is called on a goroutine of its own.
	Notify func(signature string, body []byte)
	Clock  func() time.Time
}

// Fake is the account. It is an http.Handler.
type Fake struct {
	config Config

	mu       sync.Mutex
	intents  []*intent // in the order of creation
	byID     map[string]*intent
	answers  map[string]*saved // by idempotency key
	faults   []*Fault
	requests map[Step]int
	versions map[string]bool // Stripe-Version of all requests
	numbers  int             // of ids
	lags     bool            // the search takes up nothing

	finished sync.WaitGroup
}

// New returns an empty account.
func New(config Config) *Fake {
	config.Account = cmp.Or(config.Account, "acct_fake")
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &Fake{config: config, byID: map[string]*intent{}, answers: map[string]*saved{}, requests: map[Step]int{}, versions: map[string]bool{}}
}

// Close waits for what is late and for webhooks.
func (f *Fake) Close() { f.finished.Wait() }

// Step is what a request does.
type Step string

// The steps.
const (
	StepCreate   Step = "create"
	StepRetrieve Step = "retrieve"
	StepConfirm  Step = "confirm"
	StepCapture  Step = "capture"
	StepCancel   Step = "cancel"
	StepRefund   Step = "refund"
	StepRefunds  Step = "refunds" // a list of an intent's
	StepList     Step = "list"
	StepSearch   Step = "search"
	StepDisputes Step = "disputes"
	StepAccount  Step = "account"
)

// Steps returns all of them.
func Steps() []Step {
	return []Step{StepCreate, StepRetrieve, StepConfirm, StepCapture, StepCancel, StepRefund, StepRefunds, StepList, StepSearch, StepDisputes, StepAccount}
}

const intentsPath = "/v1/payment_intents"

// stepOf returns what a request is about; "" for a route that is not there.
func stepOf(method, path string) (step Step, id string) {
	rest, isIntent := strings.CutPrefix(path, intentsPath)
	id, verb, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch {
	case method == http.MethodPost && path == "/v1/refunds":
		return StepRefund, ""
	case method == http.MethodGet && path == "/v1/refunds":
		return StepRefunds, ""
	case method == http.MethodGet && path == "/v1/disputes":
		return StepDisputes, ""
	case method == http.MethodGet && path == "/v1/account":
		return StepAccount, ""
	case !isIntent:
		return "", ""
	case method == http.MethodPost && id == "":
		return StepCreate, ""
	case method == http.MethodPost && (verb == string(StepConfirm) || verb == string(StepCapture) || verb == string(StepCancel)):
		return Step(verb), id
	case method == http.MethodGet && id == "":
		return StepList, ""
	case method == http.MethodGet && id == "search" && verb == "":
		return StepSearch, ""
	case method == http.MethodGet && verb == "":
		return StepRetrieve, id
	}
	return "", ""
}

// request is one that is well-formed.
type request struct {
	step     Step
	id       string // of the intent, in the path
	form     url.Values
	key      string // Idempotency-Key
	sameness string // what must be the same under one key
	fault    Fault
}

// answer is what a request comes to.
type answer struct {
	status   int
	body     any
	unsaved  bool // not kept under the idempotency key
	replayed bool
	// retryAfter is a header, "" for none.
	retryAfter string
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	step, id := stepOf(r.Method, r.URL.Path)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+f.config.Key:
		send(w, failure(http.StatusUnauthorized, "invalid_request_error", "", "", "no such API key"))
		return
	case step == "":
		send(w, failure(http.StatusNotFound, "invalid_request_error", "", "", "unrecognized request URL"))
		return
	case r.ParseForm() != nil:
		send(w, failure(http.StatusBadRequest, "invalid_request_error", "", "", "the body is no form"))
		return
	case len(r.Header.Get("Idempotency-Key")) > keyMax:
		send(w, failure(http.StatusBadRequest, "invalid_request_error", "", "", "the idempotency key is too long"))
		return
	}
	asked := request{step: step, id: id, form: r.Form, sameness: r.URL.Path + "?" + r.Form.Encode()}
	if r.Method == http.MethodPost {
		asked.key = r.Header.Get("Idempotency-Key")
	}
	asked.fault = f.note(step, r.Header.Get("Stripe-Version"))
	if step == StepConfirm && asked.fault.Kind == "" {
		asked.fault = faultOf(r.Form.Get("payment_method"))
	}
	told, cut := f.answer(&asked)
	if cut {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	send(w, told)
}

func send(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_fake")
	if a.replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // a caller who left cannot be told
}

// note counts a request and takes the fault that waits for it.
func (f *Fake) note(step Step, version string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests[step]++
	f.versions[version] = true
	for _, fault := range f.faults {
		if fault.Step == step && fault.Times > 0 {
			fault.Times--
			return *fault
		}
	}
	return Fault{}
}

// Requests returns how many requests of a step came.
func (f *Fake) Requests(step Step) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[step]
}

// Versions returns the API versions that requests asked for.
func (f *Fake) Versions() map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.versions
}

// RefundPart gives a part of what was captured under a key back, as somebody does on Stripe's
// own page; false when there is not as much.
func (f *Fake) RefundPart(key string, amount int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.captured(key)
	if i == nil || i.charge.refunded+amount > i.Received {
		return false
	}
	i.charge.refunded += amount
	f.notify(i, "charge.refunded")
	return true
}

// captured returns the intent whose money was captured under a key; nil for none. The caller
// holds the lock.
func (f *Fake) captured(key string) *intent {
	for _, i := range f.intents {
		if i.Metadata["onsale_payment"] == key && i.Status == "succeeded" {
			return i
		}
	}
	return nil
}

// SetRefund lets the newest refund of what was captured under a key come to a status, as banks
// do days later: failed with a reason, pending or succeeded. False when there is none.
func (f *Fake) SetRefund(key, status, failure string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.captured(key)
	if i == nil || len(i.charge.refunds) == 0 {
		return false
	}
	f.setRefund(i, i.charge.refunds[len(i.charge.refunds)-1], status, failure)
	return true
}

// setRefund lets a refund come to a status. The caller holds the lock.
func (f *Fake) setRefund(i *intent, is *refund, status, failure string) {
	if is.status != "failed" && status == "failed" {
		i.charge.refunded -= is.amount
	}
	is.status, is.failure = status, failure
	f.notify(i, "refund.updated")
}

// failRefund lets a refund fail.
func (f *Fake) failRefund(i *intent, is *refund, failure string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setRefund(i, is, "failed", failure)
}

// RefuseRefunds lets every refund of what was captured under a key be refused with a code.
func (f *Fake) RefuseRefunds(key, code string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.captured(key)
	if i != nil {
		i.charge.refusal = code
	}
	return i != nil
}

// LagSearch lets the search take up nothing any more, however many days pass.
func (f *Fake) LagSearch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lags = true
}

// PassDay lets a day go by: idempotency keys are forgotten, and the search knows every
// intent that is there, unless it lags.
func (f *Fake) PassDay() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.answers)
	for _, i := range f.intents {
		i.searchable = i.searchable || !f.lags
	}
}
