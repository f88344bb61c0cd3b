package sandbox_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"onsale/payment"
	"onsale/payment/sandbox"
)

func accountOf(t *testing.T, p payment.Provider) string {
	t.Helper()
	account, err := p.Account(t.Context())
	if err != nil || !strings.HasPrefix(account, "sandbox/test/") {
		t.Fatal(account, err)
	}
	return account
}

// Books keep their account with their charges: books that begin anew are another account, and
// the old ones put back are the old one.
func TestAccountOfBooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.jsonl")
	account := func() string {
		books := open(t, path)
		defer books.Close()
		return accountOf(t, books)
	}
	first := account()
	if again := account(); again != first {
		t.Errorf("opened again, the books of %s are of %s", first, again)
	}
	kept := path + ".kept"
	if err := os.Rename(path, kept); err != nil {
		t.Fatal(err)
	}
	if other := account(); other == first {
		t.Error("lost books are no other account")
	}
	if err := os.Rename(kept, path); err != nil {
		t.Fatal(err)
	}
	if back := account(); back != first {
		t.Errorf("the books of %s came back as %s", first, back)
	}
	if err := os.WriteFile(path, []byte(`{"onsale_sandbox":3,"account":"a b"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := sandbox.DefaultConfig()
	config.Path = path
	if _, err := sandbox.Open(config); !errors.Is(err, sandbox.ErrBooks) {
		t.Error(err)
	}
}

// A charge of another account is refused, whatever is asked, and nothing is entered: also when
// the process behind an address is another one than a moment ago.
func TestOtherAccount(t *testing.T) {
	old, fresh := open(t, ""), open(t, "")
	var behind atomic.Pointer[http.Handler]
	swap := func(b *sandbox.Books) {
		handler := sandbox.NewHandler(b, secret)
		behind.Store(&handler)
	}
	swap(old)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*behind.Load()).ServeHTTP(w, r) }))
	defer server.Close()
	client, err := sandbox.NewClient(server.URL, secret)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c := charge("a")
	c.Account = accountOf(t, client)
	if status, err := client.Authorise(t.Context(), c, "tok_accept"); err != nil || status.Phase != payment.Authorised {
		t.Fatal(status, err)
	}

	swap(fresh)
	for name, p := range map[string]payment.Provider{"client": client, "books": fresh} {
		for what, ask := range map[string]func() (payment.Status, error){
			"authorise": func() (payment.Status, error) { return p.Authorise(t.Context(), c, "tok_accept") },
			"find":      func() (payment.Status, error) { return p.Find(t.Context(), c) },
			"capture":   func() (payment.Status, error) { return p.Capture(t.Context(), c, 500) },
			"cancel":    func() (payment.Status, error) { return p.Cancel(t.Context(), c) },
			"return":    func() (payment.Status, error) { return p.Return(t.Context(), c, 1) },
			"return part": func() (payment.Status, error) {
				return p.ReturnPart(t.Context(), c, payment.Part{Number: 1, Refund: 1, Amount: 1})
			},
		} {
			if status, err := ask(); !errors.Is(err, payment.ErrOtherAccount) {
				t.Errorf("%s: %s: %+v, %v", name, what, status, err)
			}
		}
	}
	if entries := fresh.Entries(); len(entries) != 0 {
		t.Errorf("%+v", entries)
	}
	if account := accountOf(t, client); account != accountOf(t, fresh) {
		t.Errorf("the client believes in %s", account)
	}
	swap(old)
	if status, err := client.Find(t.Context(), c); err != nil || status.Phase != payment.Authorised {
		t.Error(status, err)
	}
}
