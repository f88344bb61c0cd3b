package stripe_test

import (
	"bufio"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/payment"
	"onsale/payment/stripe"
	"onsale/proof/testenv"
)

// Stripe's own mock, made from the description of Stripe's API, takes every request: the
// routes are there, and the parameters are known and of the right types. It has no
// memory, so what it answers means nothing.
func TestStripeMock(t *testing.T) {
	testenv.TakesLong(t, "builds and runs stripe-mock")
	config := stripe.DefaultConfig()
	config.Key, config.URL = "sk_test_123", "http://"+startStripeMock(t)
	p, err := stripe.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, c := context.Background(), charge("00112233445566778899aabbccddeeff-000G000000000002-01")
	calls := map[string]func() error{
		"authorise": func() error { _, err := p.Authorise(ctx, c, "pm_card_visa"); return err },
		"find":      func() error { _, err := p.Find(ctx, c); return err },
		"capture":   func() error { _, err := p.Capture(ctx, c, c.Amount-1); return err },
		"cancel":    func() error { _, err := p.Cancel(ctx, c); return err },
		"lookup":    func() error { _, err := p.Lookup(ctx, c.Key); return err },
		"ledger":    func() error { _, _, err := p.Ledger(ctx, "pi_123", 2); return err },
	}
	for name, call := range p.Requests(ctx, c, "pi_123") { // which the answers of the mock may not lead to
		calls[name] = call
	}
	for name, call := range calls {
		if err := call(); err != nil && !errors.Is(err, payment.ErrConflict) { // it shows an intent of its own
			t.Errorf("%s: %v", name, err)
		}
	}
	for status, n := range answers(t, p) {
		if status != "200" {
			t.Errorf("%v answers of status %s", n, status)
		}
	}
}

// answers returns how many answers had each status.
func answers(t *testing.T, p *stripe.Provider) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "onsale_stripe_requests_total" {
				count[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if len(count) == 0 {
		t.Error("no request was counted")
	}
	return count
}

var listening = regexp.MustCompile(`Listening for HTTP at address: (\S+)`)

// startStripeMock builds the mock that tools/go.mod pins, and returns where it listens.
func startStripeMock(t *testing.T) (address string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "stripe-mock")
	build := exec.CommandContext(t.Context(), "go", "build", "-modfile=tools/go.mod", "-o", program, "github.com/stripe/stripe-mock")
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	mock := exec.CommandContext(t.Context(), program, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	output, err := mock.StdoutPipe()
	if err == nil {
		err = mock.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mock.Process.Kill()
		mock.Wait()
	})
	lines, found := bufio.NewScanner(output), make(chan string, 1)
	go func() {
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case address = <-found:
	case <-time.After(time.Minute):
		t.Fatal("stripe-mock does not say where it listens")
	}
	return address
}
