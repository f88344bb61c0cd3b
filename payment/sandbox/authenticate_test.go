package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// openWith opens books whose secrets outlive them.
func openWith(t testing.TB, path string) *sandbox.Books {
	t.Helper()
	config := sandbox.DefaultConfig()
	config.Path, config.Secrets, config.PagesURL = path, [][]byte{secret}, "http://bank.example"
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	return books
}

// What waits for its buyer outlives the sandbox, with its secret, which is in no file; and the
// buyer's first answer counts.
func TestAuthenticate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books")
	books := openWith(t, path)
	for key, completes := range map[string]bool{"a": true, "b": false} {
		first, err := books.Authorise(t.Context(), charge(key), "tok_3ds")
		if err != nil || first.Phase != payment.RequiresAction || first.Method != "tok_3ds" {
			t.Fatalf("%+v, %v", first, err)
		}
		books.Close()
		books = openWith(t, path)
		again, err := books.Find(t.Context(), charge(key))
		if err != nil || again.NextAction == nil || *again.NextAction != *first.NextAction {
			t.Fatalf("%+v, then %+v, %v", first.NextAction, again.NextAction, err)
		}
		for _, e := range books.Entries() {
			if e.NextAction != nil {
				t.Errorf("the books have a secret: %+v", e)
			}
		}

		want := map[bool]payment.Status{true: {Phase: payment.Authorised}, false: {Phase: payment.Declined, Reason: sequencer.ReasonAuthenticationRequired}}[completes]
		for _, answer := range []bool{completes, !completes} {
			if e, known := books.Authenticate(first.NextAction.ClientSecret, answer); !known || e.Status != want {
				t.Errorf("%s: %+v, %v", key, e, known)
			}
		}
	}
	for _, forged := range []string{"a", "a_secret_", "a_secret_00", "z_secret_00", ""} {
		if e, known := books.Authenticate(forged, true); known {
			t.Errorf("%q: %+v", forged, e)
		}
	}
}

// Who authenticates by itself does so when the sandbox died meanwhile, too.
func TestAuthenticatesAfterADeath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books")
	synctest.Test(t, func(t *testing.T) {
		books := openWith(t, path)
		for _, method := range []string{"tok_3ds_passes_500ms", "tok_3ds_fails_500ms", "tok_3ds"} {
			if _, err := books.Authorise(t.Context(), charge(method), method); err != nil {
				t.Fatal(err)
			}
		}
		books.Close()
		books = openWith(t, path)
		time.Sleep(time.Second)
		for method, want := range map[string]payment.Phase{"tok_3ds_passes_500ms": payment.Authorised, "tok_3ds_fails_500ms": payment.Declined, "tok_3ds": payment.RequiresAction} {
			if status, err := books.Find(t.Context(), charge(method)); err != nil || status.Phase != want {
				t.Errorf("%s: %+v, %v", method, status, err)
			}
		}
	})
}

// Some authenticate by themselves, unless the charge is cancelled before.
func TestAuthenticatesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books := open(t, "")
		for key, c := range map[string]struct {
			method  string
			cancels bool
			want    payment.Phase
		}{
			"passes": {"tok_3ds_passes_500ms", false, payment.Authorised}, "fails": {"tok_3ds_fails_500ms", false, payment.Declined},
			"gone": {"tok_3ds_passes_500ms", true, payment.Cancelled}, "away": {"tok_3ds", false, payment.RequiresAction},
		} {
			if status, err := books.Authorise(t.Context(), charge(key), c.method); err != nil || status.Phase != payment.RequiresAction {
				t.Fatalf("%s: %+v, %v", key, status, err)
			}
			if c.cancels {
				_, _ = books.Cancel(t.Context(), charge(key)) // what came of it is looked at below
			}
			time.Sleep(time.Second)
			if status, err := books.Find(t.Context(), charge(key)); err != nil || status.Phase != c.want {
				t.Errorf("%s: %+v, %v", key, status, err)
			}
		}
	})
}

// A browser shows the page to who has the secret, without the nodes' secret, and does what the
// buyer says there.
func TestPages(t *testing.T) {
	books := openWith(t, "")
	server := httptest.NewServer(sandbox.NewHandler(books, secret))
	defer server.Close()
	client, err := sandbox.NewClient(server.URL, secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	status, err := client.Authorise(t.Context(), charge("a"), "tok_3ds")
	if err != nil || !strings.HasPrefix(status.NextAction.RedirectURL, "http://bank.example/3ds/") {
		t.Fatalf("%+v, %v", status, err)
	}
	page := server.URL + strings.TrimPrefix(status.NextAction.RedirectURL, "http://bank.example")
	look := func(page string) (int, string) {
		t.Helper()
		answer, err := http.Get(page)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	post := func(page, answer string) int {
		t.Helper()
		done, err := http.PostForm(page, url.Values{"answer": {answer}})
		if err != nil {
			t.Fatal(err)
		}
		done.Body.Close()
		return done.StatusCode
	}
	if code, text := look(page); code != http.StatusOK || !strings.Contains(text, "order of a") || !strings.Contains(text, `value="refuse"`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := look(page + "0"); code != http.StatusNotFound || strings.Contains(text, "order of a") {
		t.Errorf("%d %s", code, text)
	}
	for answer, want := range map[string]int{"maybe": http.StatusBadRequest, "": http.StatusBadRequest} {
		if code := post(page, answer); code != want {
			t.Errorf("%q: %d", answer, code)
		}
	}
	if code := post(page+"0", "complete"); code != http.StatusNotFound {
		t.Error(code)
	}
	if code := post(page, "complete"); code != http.StatusOK {
		t.Error(code)
	}
	if code, text := look(page); code != http.StatusOK || !strings.Contains(text, "authorised") || strings.Contains(text, "<form") {
		t.Errorf("%d %s", code, text)
	}
}

// Without a place for its pages, a sandbox is reached by buyers where nodes reach it.
func TestPagesOfTheClient(t *testing.T) {
	for name, p := range providers(t) {
		status, err := p.Authorise(t.Context(), charge("a"), "tok_3ds")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.HasPrefix(status.NextAction.RedirectURL, "http://127.0.0.1:"); got != (name == "client") {
			t.Errorf("%s: %s", name, status.NextAction.RedirectURL)
		}
	}
}
