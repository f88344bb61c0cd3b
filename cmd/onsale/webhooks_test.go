package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/failpoint"
	"onsale/internal/procs"
	"onsale/proof/testenv"
	"onsale/webhook"
)

// shopServer receives webhooks as a shop would: it verifies each with the library, and remembers
// what came.
type shopServer struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	secret string
	answer int                  // in place of 204
	came   []contract.FeedEvent // all of them, repeats too
}

func newShopServer(t *testing.T, secretFile string) *shopServer {
	s := &shopServer{t: t, secret: firstLine(t, secretFile), answer: http.StatusNoContent}
	s.Server = httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(s.Close)
	return s
}

func firstLine(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

func (s *shopServer) receive(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	key, wrong := standard.NewWebhook(s.secret)
	if wrong == nil && err == nil {
		wrong = key.Verify(body, req.Header)
	}
	var e contract.FeedEvent
	if wrong == nil {
		wrong = json.Unmarshal(body, &e)
	}
	if wrong != nil || e.ID != req.Header.Get("webhook-id") {
		s.t.Errorf("%s is no webhook: %v", body, wrong)
	}
	if s.answer == http.StatusNoContent && e.Type != webhook.TypeTest {
		s.came = append(s.came, e)
	}
	w.WriteHeader(s.answer)
}

// answers changes what is answered.
func (s *shopServer) answers(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = status
}

// firsts returns the ids that came, by subject, in the order of their first arrivals.
func (s *shopServer) firsts() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bySubject(s.came)
}

func bySubject(events []contract.FeedEvent) map[string][]string {
	ids := map[string][]string{}
	for _, e := range events {
		if !slices.Contains(ids[e.Subject], e.ID) {
			ids[e.Subject] = append(ids[e.Subject], e.ID)
		}
	}
	return ids
}

// hooks is a process that sends webhooks of an office to a shop's server.
type hooks struct {
	t                *testing.T
	o                *office
	shop             *shopServer
	program, dir     string
	private, tokens  string
	process          *procs.Process
	secretFile, plan string
}

func newHooks(t *testing.T, o *office, program string) *hooks {
	t.Helper()
	h := &hooks{t: t, o: o, program: program, dir: t.TempDir(), private: freeAddress(t), tokens: filepath.Join(o.dir, "token-secret")}
	h.secretFile, h.plan = filepath.Join(h.dir, "hook-secret"), filepath.Join(h.dir, "failpoints")
	command(t, 0, "secret", h.secretFile)
	h.shop = newShopServer(t, h.secretFile)
	h.configure("")
	return h
}

// configure writes the configuration, with more lines for the endpoint.
func (h *hooks) configure(more string) {
	text := fmt.Sprintf("node = [%q]\nprivate = %q\nsecret-file = %q\nstate = %q\n[endpoints.shop]\nurl = %q\nsecret_file = %q\n"+
		"from = \"oldest\"\nallow_http = true\nallow_private = true\n%s", h.o.server.privateListener.Addr(), h.private, h.tokens,
		filepath.Join(h.dir, "state"), h.shop.URL+"/hook", h.secretFile, more)
	if err := os.WriteFile(h.config()+".new", []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(h.config()+".new", h.config()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hooks) config() string { return filepath.Join(h.dir, "webhooks.toml") }

func (h *hooks) start() {
	h.t.Helper()
	h.process = startProcess(h.t, procs.Config{Name: "webhooks", Path: h.program, Args: []string{"webhooks", "--config", h.config()},
		Env: ownEnvironment(failpoint.Variable + "=" + h.plan)})
}

// ask runs a command line about the endpoints.
func (h *hooks) ask(code int, args ...string) string {
	return command(h.t, code, append(append([]string{"webhook"}, args...), "--webhooks", h.private, "--secret-file", h.tokens)...)
}

func (h *hooks) status() contract.Webhook {
	h.t.Helper()
	list := into[contract.WebhookList](h.t, h.ask(0, "list", "-o", "json"))
	if len(list.Webhooks) != 1 {
		h.t.Fatalf("%+v", list)
	}
	return list.Webhooks[0]
}

func (h *hooks) isReady() bool {
	return get(http.DefaultClient, "http://"+h.private+"/readyz") == "ok"
}

// feed returns all events of the office's node.
func (h *hooks) feed() (events []contract.FeedEvent) {
	h.t.Helper()
	seller := (&testNode{t: h.t, private: h.o.server.privateListener.Addr().String(), secretFile: h.tokens}).seller()
	for after := ""; ; {
		page, err := seller.Feed(h.t.Context(), client.FeedQuery{After: after})
		if err != nil {
			h.t.Fatal(err)
		}
		events, after = append(events, page.Events...), page.Next
		if !page.HasMore {
			return events
		}
	}
}

// complete waits until the shop has every event of the feed, and holds their order for each subject
// against the feed's.
func (h *hooks) complete() {
	h.t.Helper()
	want := bySubject(h.feed())
	testenv.Eventually(h.t, time.Minute, "every event at the shop", func() bool {
		got := h.shop.firsts()
		for subject, ids := range want {
			if len(got[subject]) < len(ids) {
				return false
			}
		}
		return true
	})
	got := h.shop.firsts()
	for subject, ids := range want {
		if !slices.Equal(got[subject], ids) {
			h.t.Errorf("of %q came %v, the feed has %v", subject, got[subject], ids)
		}
		delete(got, subject)
	}
	if len(got) > 0 {
		h.t.Errorf("these are not in the feed: %v", got)
	}
}

// A sale's events are at the shop, which verifies them by the library; endpoints are looked after by
// command; a new secret, and a file that does not do, are taken while the process runs.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	defer o.close()
	h := newHooks(t, o, os.Args[0])
	h.start()
	testenv.Eventually(t, time.Minute, "a process that is ready", h.isReady)
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "10")
	for _, buyer := range []string{"ann", "bob"} {
		o.buy(0, buyer, "buy")
	}
	h.complete()

	has(t, h.ask(0, "test", "shop"), "delivered", "204")
	has(t, h.ask(1, "test", "nobody"), "nobody")
	has(t, h.ask(0, "list"), "shop", h.shop.URL)
	has(t, h.ask(0, "dead", "list", "shop"), "number")
	has(t, h.ask(1, "dead", "retry", "shop", "7"), "no dead letter")
	has(t, h.ask(2, "dead", "retry", "shop", "x"), "no number")

	h.metrics()
	h.secondProcess()
	h.rotate()
	h.shop.answers(http.StatusGone)
	o.buy(0, "cid", "buy")
	testenv.Eventually(t, time.Minute, "an endpoint that is stopped", func() bool { return h.status().Stopped != nil })
	has(t, h.ask(0, "list"), "gone")
	h.shop.answers(http.StatusNoContent)
	has(t, h.ask(0, "enable", "shop"), "enabled")
	h.complete()

	before := len(h.shop.firsts())
	h.shop.mu.Lock()
	h.shop.came = nil
	h.shop.mu.Unlock()
	has(t, h.ask(0, "replay", "shop", "--from", "oldest"), "replaying")
	h.complete()
	if after := len(h.shop.firsts()); after != before {
		t.Errorf("%d subjects after a replay, %d before", after, before)
	}
	if code, err := h.process.Stop(time.Minute); code != 0 || err != nil {
		t.Errorf("exit code %d, %v\n%s", code, err, h.process.Output())
	}
}

// metrics holds what is served against the page of metrics.
func (h *hooks) metrics() {
	h.t.Helper()
	token := strings.TrimSpace(command(h.t, 0, "token", "--user", "prometheus", "--role", "monitor", "--secret-file", h.tokens))
	servesPage(h.t, &http.Client{Transport: bearer(token)}, h.private, "webhooks")
}

// bearer adds a token to requests.
type bearer string

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(req)
}

// secondProcess starts one on the same state: it ends, and says who the first is.
func (h *hooks) secondProcess() {
	h.t.Helper()
	code, said := onsaleProcess(h.t, nil, "webhooks", "--config", h.config(), "--private", "127.0.0.1:0")
	if code != 1 {
		h.t.Errorf("a second process: exit code %d", code)
	}
	has(h.t, said, fmt.Sprintf("process %d on ", h.process.PID()), h.private)
}

// rotate gives the endpoint a second secret and then the shop; in between both verify. A file that
// does not do, and a configuration that does not, change nothing.
func (h *hooks) rotate() {
	h.t.Helper()
	fresh := filepath.Join(h.dir, "fresh")
	command(h.t, 0, "secret", fresh)
	old, next := h.shop.secret, firstLine(h.t, fresh)
	for _, content := range []string{"no secret\n", next + "\n" + old + "\n"} {
		if err := os.WriteFile(fresh, []byte(content), 0o600); err != nil {
			h.t.Fatal(err)
		}
		if err := os.Rename(fresh, h.secretFile); err != nil {
			h.t.Fatal(err)
		}
		words := "a changed file does not load"
		if strings.HasPrefix(content, next) {
			words = "a file was read again"
		}
		testenv.Eventually(h.t, time.Minute, words, func() bool { return strings.Contains(h.process.Output(), words) })
		has(h.t, h.ask(0, "test", "shop"), "delivered")
	}
	h.shop.mu.Lock()
	h.shop.secret = next
	h.shop.mu.Unlock()
	has(h.t, h.ask(0, "test", "shop"), "delivered")

	h.configure("timeout = \"never\"\n")
	testenv.Eventually(h.t, time.Minute, "a configuration that does not do", func() bool {
		return strings.Contains(h.process.Output(), "change nothing")
	})
	h.configure("concurrency = 2\n")
	testenv.Eventually(h.t, time.Minute, "a configuration that does", func() bool { return strings.Contains(h.process.Output(), "settings were read again") })
	has(h.t, h.ask(0, "test", "shop"), "delivered")
}

// The process is killed at every place that a crash must not split, twice each, while it sends:
// every event is at the shop, in order for each order, and none that was not in the feed.
func TestWebhooksDieAtEveryFailpoint(t *testing.T) {
	testenv.TakesLong(t, "it builds the program with failpoints")
	t.Parallel()
	o := openOffice(t)
	defer o.close()
	h := newHooks(t, o, buildProgram(t, "-tags", "failpoints"))
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "1000")
	for n, name := range slices.Concat(failpoint.WebhookNames(), failpoint.WebhookNames()) {
		if err := os.WriteFile(h.plan, []byte(failpoint.Crash(name, 1+n/len(failpoint.WebhookNames()))), 0o600); err != nil {
			t.Fatal(err)
		}
		h.start()
		for bought := 0; !h.process.HasEnded(); bought++ {
			if bought > 50 {
				t.Fatalf("it does not die at %s\n%s", name, h.process.Output())
			}
			buyer := fmt.Sprintf("buyer-%d-%d", n, bought)
			uid := into[contract.Decision](t, o.buy(0, buyer, "buy", "-o", "json")).Order
			o.buy(0, buyer, "order", "cancel", uid)
			time.Sleep(200 * time.Millisecond)
		}
		has(t, h.process.Output(), "failpoint "+string(name)+": crash")
	}
	h.start()
	h.complete()
	if s := h.status(); s.Dead != 0 || s.Stopped != nil {
		t.Errorf("%+v", s)
	}
}
