package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"onsale/payment"
	"onsale/payment/sandbox"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

var secret = []byte("the sandbox' secret of the tests")

func open(t testing.TB, path string) *sandbox.Books {
	t.Helper()
	config := sandbox.DefaultConfig()
	config.Path = path
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	return books
}

// providers are the books themselves, and a client of them over HTTP.
func providers(t testing.TB) map[string]payment.Provider {
	remote := httptest.NewServer(sandbox.NewHandler(open(t, ""), secret))
	t.Cleanup(remote.Close)
	client, err := sandbox.NewClient(remote.URL, secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return map[string]payment.Provider{"books": open(t, ""), "client": client}
}

func charge(key string) payment.Charge {
	return payment.Charge{Key: key, Order: "order of " + key, Birth: "a birth", Buyer: "a buyer", Amount: 500, Currency: "EUR"}
}

// A charge's life, step by step, and that every step may be repeated.
func TestLife(t *testing.T) {
	ctx := context.Background()
	for name, p := range providers(t) {
		t.Run(name, func(t *testing.T) {
			step := func(what string, want payment.Phase, do func() (payment.Status, error)) {
				t.Helper()
				for range 2 {
					if status, err := do(); err != nil || status.Phase != want {
						t.Errorf("%s: %+v, %v", what, status, err)
					}
				}
			}
			authorise := func(key, method string) func() (payment.Status, error) {
				return func() (payment.Status, error) { return p.Authorise(ctx, charge(key), method) }
			}
			find := func(key string) func() (payment.Status, error) {
				return func() (payment.Status, error) { return p.Find(ctx, charge(key)) }
			}
			capture := func(key string) func() (payment.Status, error) {
				return func() (payment.Status, error) { return p.Capture(ctx, charge(key), charge(key).Amount) }
			}
			cancel := func(key string) func() (payment.Status, error) {
				return func() (payment.Status, error) { return p.Cancel(ctx, charge(key)) }
			}
			step("unknown", payment.Unknown, find("a"))
			step("nothing to capture", payment.Unknown, capture("a"))
			step("authorised", payment.Authorised, authorise("a", "tok_accept"))
			step("it keeps its outcome", payment.Authorised, authorise("a", "tok_decline"))
			step("captured", payment.Captured, capture("a"))
			step("refunded", payment.Refunded, cancel("a"))
			step("it cannot be captured any more", payment.Refunded, capture("a"))

			step("declined", payment.Declined, authorise("b", "tok_decline"))
			step("a decline needs no cancelling", payment.Declined, cancel("b"))

			step("cancelled before it was known", payment.Cancelled, cancel("c"))
			step("then it can never be authorised", payment.Cancelled, authorise("c", "tok_accept"))

			step("voided", payment.Authorised, authorise("d", "tok_accept"))
			step("voided", payment.Cancelled, cancel("d"))

			if _, err := p.Authorise(ctx, charge("e"), "tok_never"); err == nil {
				t.Error("tok_never was answered")
			}
			step("processing", payment.Processing, find("e"))
			step("cancelled while processing", payment.Cancelled, cancel("e"))

			for what, change := range map[string]func(*payment.Charge){
				"amount": func(c *payment.Charge) { c.Amount++ }, "currency": func(c *payment.Charge) { c.Currency = "USD" },
				"order": func(c *payment.Charge) { c.Order += "x" }, "birth": func(c *payment.Charge) { c.Birth += "x" },
				"buyer": func(c *payment.Charge) { c.Buyer += "x" },
			} {
				other := charge("g")
				change(&other)
				mustConflict(t, p, charge("g"), other, what)
			}
			if status, err := p.Authorise(ctx, charge("f"), "tok_expired"); err != nil || status.Reason != sequencer.ReasonExpiredMethod {
				t.Errorf("%+v, %v", status, err)
			}
			ledger(t, p, 7)
			if e, err := p.Lookup(ctx, "a"); err != nil || e == nil || e.Charge != charge("a") || e.Phase != payment.Refunded || e.RefundedAmount != 500 {
				t.Errorf("%+v, %v", e, err)
			}
			if e, err := p.Lookup(ctx, "of nobody"); err != nil || e != nil {
				t.Errorf("%+v, %v", e, err)
			}
		})
	}
}

// mustConflict authorises a charge, and no step finds, takes or gives back another one's
// money under its key.
func mustConflict(t *testing.T, p payment.Provider, ours, other payment.Charge, what string) {
	t.Helper()
	ctx := context.Background()
	if status, err := p.Authorise(ctx, ours, "tok_accept"); err != nil || status.Phase != payment.Authorised {
		t.Errorf("%+v, %v", status, err)
	}
	for name, step := range map[string]func() (payment.Status, error){
		"authorise": func() (payment.Status, error) { return p.Authorise(ctx, other, "tok_accept") },
		"find":      func() (payment.Status, error) { return p.Find(ctx, other) },
		"capture":   func() (payment.Status, error) { return p.Capture(ctx, other, other.Amount) },
		"cancel":    func() (payment.Status, error) { return p.Cancel(ctx, other) },
	} {
		if status, err := step(); !errors.Is(err, payment.ErrConflict) || !strings.Contains(err.Error(), ours.Key) || status != (payment.Status{}) {
			t.Errorf("%s of another %s: %+v, %v", name, what, status, err)
		}
	}
	if status, err := p.Find(ctx, ours); err != nil || status.Phase != payment.Authorised {
		t.Errorf("another %s moved it: %+v, %v", what, status, err)
	}
}

// ledger reads the books page by page.
func ledger(t *testing.T, p payment.Provider, want int) {
	t.Helper()
	var all []payment.Entry
	for cursor := ""; ; {
		entries, next, err := p.Ledger(context.Background(), cursor, 2)
		if err != nil || len(entries) > 2 {
			t.Fatal(len(entries), err)
		}
		all = append(all, entries...)
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(all) != want || all[0].CapturedAmount != 500 || all[0].RefundedAmount != 500 {
		t.Errorf("%d entries: %+v", len(all), all)
	}
}

// A cancel that overtakes a delayed outcome wins.
func TestCancelWhileDelayed(t *testing.T) { synctest.Test(t, testCancelWhileDelayed) }

func testCancelWhileDelayed(t *testing.T) {
	books := open(t, "")
	var asked sync.WaitGroup
	asked.Go(func() {
		status, err := books.Authorise(context.Background(), charge("a"), "tok_delay_200ms")
		if err != nil || status.Phase != payment.Cancelled {
			t.Errorf("%+v, %v", status, err)
		}
	})
	synctest.Wait()
	if status, err := books.Find(context.Background(), charge("a")); err != nil || status.Phase != payment.Processing {
		t.Errorf("%+v, %v", status, err)
	}
	if status, err := books.Cancel(context.Background(), charge("a")); err != nil || status.Phase != payment.Cancelled {
		t.Errorf("%+v, %v", status, err)
	}
	asked.Wait()
}

// Whatever was cut off the file's end, the books open with every whole line; damage
// before the last line is refused.
func TestTornFile(t *testing.T) {
	path := filepath.Join(testenv.MemoryDir(t), "books")
	books := open(t, path)
	ctx := context.Background()
	var states [][]payment.Entry
	for _, key := range []string{"a", "b"} {
		states = append(states, books.Entries())
		books.Authorise(ctx, charge(key), "tok_accept")
	}
	states = append(states, books.Entries())
	books.Capture(ctx, charge("a"), charge("a").Amount)
	states = append(states, books.Entries())
	if _, err := sandbox.Open(sandbox.Config{Path: path}); !errors.Is(err, sandbox.ErrBooks) {
		t.Errorf("opened twice: %v", err)
	}
	books.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		torn := filepath.Join(t.TempDir(), "torn")
		if err := os.WriteFile(torn, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(whole[:cut], []byte{'\n'})
		again := open(t, torn)
		want := states[max(lines-1, 0)]
		if got := again.Entries(); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("cut at %d: %+v, want %+v", cut, got, want)
		}
		if status, err := again.Authorise(ctx, charge("z"), "tok_accept"); err != nil || status.Phase != payment.Authorised {
			t.Fatalf("cut at %d: %+v, %v", cut, status, err)
		}
		again.Close()
	}
	damaged := filepath.Join(t.TempDir(), "damaged")
	os.WriteFile(damaged, append([]byte("{"), whole...), 0o600)
	if _, err := sandbox.Open(sandbox.Config{Path: damaged}); !errors.Is(err, sandbox.ErrBooks) {
		t.Errorf("damaged: %v", err)
	}
}

// Who does not have the secret is told nothing.
func TestStranger(t *testing.T) {
	remote := httptest.NewServer(sandbox.NewHandler(open(t, ""), secret))
	defer remote.Close()
	client, err := sandbox.NewClient(remote.URL, []byte("another secret of thirty-two bytes"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Authorise(context.Background(), charge("a"), "tok_accept"); err == nil {
		t.Error("a stranger was let in")
	}
	if _, _, err := client.Ledger(context.Background(), "", 1); err == nil {
		t.Error("a stranger read the books")
	}
}
