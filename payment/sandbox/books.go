package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"onsale/internal/amount"
	"onsale/payment"
)

// errNoAnswer is what a caller sees of an answer that is lost.
var errNoAnswer = errors.New("sandbox: the answer was lost, as asked")

// Config is what a sandbox needs.
type Config struct {
	// Path is the file of its books; "" keeps them in memory.
	Path string
	// Account is the id of the account that begins with new books, "" for one that is drawn. Books
	// of before have their own.
	Account string
	// Secrets sign its webhooks (the first), and check them.
	Secrets [][]byte
	// Notify sends a webhook; nil for none. It is called on a goroutine of its own.
	Notify func(signature string, body []byte)
	// PagesURL is where browsers reach NewPages: http://HOST:PORT. "" for where the caller
	// reaches the Server.
	PagesURL string
	Clock    func() time.Time
	// CallsPerSecond is how many calls are taken; more are refused with payment.Throttled, over
	// HTTP with a 429 and Retry-After. 0 takes all.
	CallsPerSecond float64
	// Reached is called at each step; crash tests die in it.
	Reached func(Step)
	Logger  *slog.Logger
}

// DefaultConfig returns the configuration of a sandbox in memory.
func DefaultConfig() Config {
	return Config{Clock: time.Now, Reached: func(Step) {}, Logger: slog.New(slog.DiscardHandler)}
}

// Books is the sandbox. It is a payment.Provider.
type Books struct {
	config Config
	rate   *rate.Limiter // nil when all calls are taken

	account string // as Account names it

	mu      sync.Mutex
	file    *os.File
	failure error // of the file; final
	entries []*payment.Entry
	byKey   map[string]*payment.Entry
	// settled is closed when a charge has its outcome.
	settled map[string]chan struct{}

	stop     chan struct{}
	finished sync.WaitGroup
	closed   sync.Once
}

// record is a line of the file: a charge as it stands after a change. The first line
// names the format, and the account: {"onsale_sandbox":3,"account":"1f…"}.
type record struct {
	Version int    `json:"onsale_sandbox,omitempty"`
	Account string `json:"account,omitempty"`
	*payment.Entry
}

// recordsVersion is the version of the file's format: since 2 a charge has birth and buyer, since
// 3 the books have an account.
const recordsVersion = 3

// Name implements payment.Provider.
func (b *Books) Name() string { return "sandbox" }

// accountPrefix says whose account it is, and that no money moves.
const accountPrefix = "sandbox/test/"

// Account implements payment.Provider. It is drawn when books begin: other books are another
// account.
func (b *Books) Account(context.Context) (string, error) { return b.account, nil }

// entryOf returns a charge by its key, nil for a new one; ErrConflict when it is not the
// same charge, and ErrOtherAccount when its account is not that of these books. The caller holds
// the lock.
func (b *Books) entryOf(c payment.Charge) (*payment.Entry, error) {
	if c.Account != "" && c.Account != b.account {
		return nil, fmt.Errorf("%w: it is of %s, these books are of %s", payment.ErrOtherAccount, c.Account, b.account)
	}
	e := b.byKey[c.Key]
	if e == nil {
		return nil, nil
	}
	if err := c.Conflict(&e.Charge); err != nil {
		return nil, err
	}
	return e, nil
}

// Authorise implements payment.Provider.
func (b *Books) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	if err := b.admit(); err != nil {
		return payment.Status{}, err
	}
	does := behaviourOf(method)
	b.mu.Lock()
	e, err := b.entryOf(c)
	if err == nil && e == nil {
		e, err = b.begin(c, does)
	}
	var wait <-chan struct{}
	if err == nil && e.Phase == payment.Processing {
		wait = b.settled[c.Key]
	}
	b.mu.Unlock()
	if err != nil {
		return payment.Status{}, err
	}
	if does.silent {
		return payment.Status{}, errNoAnswer
	}
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return payment.Status{}, ctx.Err()
		}
	}
	return b.status(c)
}

// begin enters a new charge and lets its outcome come. The caller holds the lock.
func (b *Books) begin(c payment.Charge, does behaviour) (*payment.Entry, error) {
	if c.Amount <= 0 || c.Key == "" || len(c.Currency) != 3 {
		return nil, fmt.Errorf("%w: the amount is %s", payment.ErrConflict, amount.Money(c.Amount, c.Currency))
	}
	e := payment.Entry{Charge: c.Itself(), CreatedAt: b.config.Clock().UTC()}
	e.Phase, e.Method = payment.Processing, does.kept
	switch {
	case does.asks:
		e.Phase = payment.RequiresAction
	case does.delay == 0 && !does.never:
		decide(&e, does)
	}
	kept, err := b.keep(e)
	if err != nil {
		return nil, err
	}
	if e.Phase != payment.Processing {
		b.notify(c.Key, does.notices)
	}
	if does.delay > 0 {
		b.later(c, does)
	}
	return kept, nil
}

func decide(e *payment.Entry, does behaviour) {
	e.Phase, e.Reason = payment.Authorised, does.reason
	if does.reason != 0 {
		e.Phase = payment.Declined
	}
}

// later decides a charge after its delay, unless it was cancelled meanwhile.
func (b *Books) later(c payment.Charge, does behaviour) {
	decided := make(chan struct{})
	b.settled[c.Key] = decided
	b.finished.Go(func() {
		timer := time.NewTimer(does.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-b.stop:
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if e := *b.byKey[c.Key]; e.Phase == payment.Processing || e.Phase == payment.RequiresAction {
			decide(&e, does)
			if _, err := b.keep(e); err != nil {
				b.config.Logger.Error("a charge could not be entered", "payment", c.Key, "error", err)
				return
			}
			b.notify(c.Key, does.notices)
		}
		delete(b.settled, c.Key)
		close(decided)
	})
}

// Find implements payment.Provider.
func (b *Books) Find(_ context.Context, c payment.Charge) (payment.Status, error) {
	if err := b.admit(); err != nil {
		return payment.Status{}, err
	}
	return b.status(c)
}

func (b *Books) status(c payment.Charge) (payment.Status, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, err := b.entryOf(c)
	if err != nil {
		return payment.Status{}, err
	}
	if e == nil {
		return payment.Status{Phase: payment.Unknown}, nil
	}
	return b.shown(e), nil
}

// Capture implements payment.Provider.
func (b *Books) Capture(_ context.Context, c payment.Charge, amount int64) (payment.Status, error) {
	if err := b.admit(); err != nil {
		return payment.Status{}, err
	}
	taken := int64(0)
	status, err := b.change(c, func(e *payment.Entry) {
		if e.Phase == payment.Authorised && amount > 0 && amount <= e.Amount {
			e.Phase, e.CapturedAmount = payment.Captured, amount
			b.disputeLater(e.Key, behaviourOf(e.Method))
		}
		taken = e.CapturedAmount
	})
	status.Taken = taken
	return status, err
}

// Cancel implements payment.Provider.
func (b *Books) Cancel(_ context.Context, c payment.Charge) (payment.Status, error) {
	if err := b.admit(); err != nil {
		return payment.Status{}, err
	}
	return b.change(c, func(e *payment.Entry) {
		switch e.Phase {
		case payment.Unknown, payment.Processing, payment.RequiresAction, payment.Authorised:
			e.Phase = payment.Cancelled
		case payment.Captured:
			refundRest(e)
		}
	})
}

// change moves a charge on; one that nobody has heard of begins as Unknown.
func (b *Books) change(c payment.Charge, move func(*payment.Entry)) (payment.Status, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, err := b.entryOf(c)
	if err != nil {
		return payment.Status{}, err
	}
	e := payment.Entry{Charge: c.Itself(), Status: payment.Status{Phase: payment.Unknown}, CreatedAt: b.config.Clock().UTC()}
	if known != nil {
		e = *known
	}
	before := e.Phase
	refunds := e.Refunds
	if move(&e); e.Phase == before && e.Refunds == refunds {
		return b.shown(&e), nil
	}
	kept, err := b.keep(e)
	if err != nil {
		return payment.Status{}, err
	}
	b.notify(c.Key, 1)
	return b.shown(kept), nil
}

// Lookup implements payment.Provider.
func (b *Books) Lookup(_ context.Context, key string) (*payment.Entry, error) {
	if err := b.admit(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byKey[key]; e != nil {
		found := *e
		return &found, nil
	}
	return nil, nil
}

// Ledger implements payment.Provider.
func (b *Books) Ledger(_ context.Context, cursor string, limit int) ([]payment.Entry, string, error) {
	from, err := strconv.Atoi(cursor)
	if cursor != "" && (err != nil || from < 0) {
		return nil, "", fmt.Errorf("sandbox: cursor %q", cursor)
	}
	if err := b.admit(); err != nil {
		return nil, "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	from = min(from, len(b.entries))
	end := min(from+max(limit, 1), len(b.entries))
	page := make([]payment.Entry, 0, end-from)
	for _, e := range b.entries[from:end] {
		page = append(page, *e)
	}
	if end == len(b.entries) {
		return page, "", nil
	}
	return page, strconv.Itoa(end), nil
}
