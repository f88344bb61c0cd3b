//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sync"
	"time"
)

// entry is one request and what became of it: a line of the record.
type entry struct {
	Kind     kind   `json:"kind"`
	User     string `json:"user,omitempty"`
	Sale     string `json:"sale,omitempty"`
	Key      string `json:"key,omitempty"`
	Order    string `json:"order,omitempty"` // that the request names
	Method   string `json:"method,omitempty"`
	Quantity int    `json:"quantity,omitempty"`
	Min      int    `json:"min,omitempty"`
	Door     string `json:"door"`
	// Sent and Told are nanoseconds of the clock that only goes forward, from the wall
	// clock at the start.
	Sent   int64           `json:"sent"`
	Told   int64           `json:"told"`
	Status int             `json:"status,omitempty"` // 0 without an answer
	Again  bool            `json:"again,omitempty"`  // Idempotent-Replayed
	Error  string          `json:"error,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// kind is what was asked.
type kind string

const (
	buy    kind = "buy"
	pay    kind = "pay"
	cancel kind = "cancel"
	read   kind = "read"
	list   kind = "list" // a page of a user's orders, at the end
	sale   kind = "sale" // a sale as buyers see it, at the end
	create kind = "create"
	probe  kind = "probe" // a buy that must succeed soon after a round
)

// answer is what bodies say, of whatever kind.
type answer struct {
	Status    string    `json:"status"`
	Reason    string    `json:"reason"`
	Order     string    `json:"order"`
	State     string    `json:"state"`
	Seq       uint64    `json:"seq"`
	AsOfSeq   uint64    `json:"as_of_seq"`
	ExpiresAt time.Time `json:"expires_at"`
	Code      string    `json:"code"` // of a problem
	// Of an order.
	UID       string    `json:"uid"`
	User      string    `json:"user_id"`
	Sale      string    `json:"sale"`
	Quantity  int       `json:"quantity"`
	Reference string    `json:"reference"`
	Created   time.Time `json:"creation_ts"`
	MoneyBack string    `json:"money_back"`
	// Of a sale.
	Total     int `json:"total_quantity"`
	Available int `json:"available_quantity"`
	// Of a page.
	Orders  []answer `json:"orders"`
	HasMore bool     `json:"has_more"`
	Cursor  string   `json:"cursor"`
}

// UnmarshalJSON takes the status as a word; a problem's is a number.
func (a *answer) UnmarshalJSON(data []byte) error {
	type plain answer
	var both struct {
		plain
		Status json.RawMessage `json:"status"`
	}
	if err := json.Unmarshal(data, &both); err != nil {
		return err
	}
	*a = answer(both.plain)
	_ = json.Unmarshal(both.Status, &a.Status) // a number leaves it empty
	return nil
}

// record is the file of all entries.
type record struct {
	mu     sync.Mutex
	file   *os.File
	out    *bufio.Writer
	err    error
	counts map[kind]int
	told   int // answers that are decisions
	began  time.Time
}

func newRecord(path string) (*record, error) {
	file, err := os.Create(path)
	return &record{file: file, out: bufio.NewWriter(file), counts: map[kind]int{}, began: time.Now()}, err
}

// now is the wall clock of the start and the time since.
func (r *record) now() int64 { return r.began.UnixNano() + int64(time.Since(r.began)) }

func (r *record) add(e *entry) {
	line, err := json.Marshal(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[e.Kind]++
	if e.Status == 200 || e.Status == 202 {
		r.told++
	}
	if err == nil {
		_, err = r.out.Write(append(line, '\n'))
	}
	if r.err == nil {
		r.err = err
	}
}

// close ends the file and returns the first error of all.
func (r *record) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, step := range []func() error{r.out.Flush, r.file.Close} {
		if err := step(); r.err == nil {
			r.err = err
		}
	}
	return r.err
}

// readRecord reads a file of entries with their answers.
func readRecord(path string) ([]event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	var events []event
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e.entry); err != nil {
			return nil, err
		}
		if len(e.Body) > 0 {
			if err := json.Unmarshal(e.Body, &e.answer); err != nil {
				return nil, err
			}
		}
		e.Body = nil
		events = append(events, e)
	}
	return events, lines.Err()
}

// event is an entry with its answer read.
type event struct {
	entry
	answer answer
}

// decided reports whether the answer is a decision.
func (e *event) decided() bool { return e.Status == 200 || e.Status == 202 }
