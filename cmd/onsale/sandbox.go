package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onsale/internal/failpoint"
	"onsale/payment/sandbox"
)

// sandboxForm is what `onsale sandbox` can be told.
type sandboxForm struct {
	listen, books, secretFile, webhook, logFormat, logLevel string
	callsPerSecond                                          float64
}

func newSandbox(p *program) *cobra.Command {
	var form sandboxForm
	c := &cobra.Command{Use: "sandbox", Short: "Run a payment provider without money", Args: arguments(cobra.NoArgs),
		Long: `Runs the built-in payment provider as a process of its own, with books in a file. No
money moves. What a payment does is chosen by its method: tok_accept, tok_decline,
tok_insufficient_funds, tok_expired, tok_wrong_details, tok_authentication, tok_limit,
tok_delay_500ms (authorised after a while), tok_lost (authorised, the answer is lost),
tok_late_500ms (no answer, authorised later), tok_never, tok_double_webhook, tok_3ds (the
buyer must authenticate, on a page of the sandbox), tok_3ds_passes_500ms,
tok_3ds_fails_500ms (that is done by itself), tok_refund_fails_500ms, tok_refund_always_fails_500ms
(a refund is taken, and fails after a while), tok_refund_refused, tok_disputed_500ms (the buyer's
bank disputes the capture), tok_disputed_won_500ms, tok_disputed_lost_500ms (and decides).

With --calls-per-second it takes so many, as a real provider does, and answers the rest
with status 429 and Retry-After.`,
		Example: "  onsale secret sandbox-secret\n  onsale sandbox --books sandbox.jsonl --payment-secret-file sandbox-secret\n  onsale serve --payment sandbox --payment-url http://127.0.0.1:8501 --payment-secret-file sandbox-secret",
		RunE: func(c *cobra.Command, _ []string) error {
			hangUps() // there is nothing to read again, and no reason to end
			log, err := newLogger(p.err, form.logFormat, form.logLevel, new(slog.LevelVar))
			if err != nil {
				return usage(err)
			}
			return form.run(c.Context(), log)
		}}
	f := c.Flags()
	f.StringVar(&form.listen, "listen", "127.0.0.1:8501", "HOST:PORT where nodes reach the sandbox; there is no TLS, so keep it on loopback")
	f.StringVar(&form.books, "books", "sandbox-books.jsonl", "file of the sandbox' books")
	f.StringVar(&form.secretFile, "payment-secret-file", envOr("ONSALE_PAYMENT_SECRET_FILE", ""), "file with the secret that nodes show to the sandbox and that signs webhooks")
	f.StringVar(&form.webhook, "webhook", "", "buyers' listener of any node or front-end, to tell it of outcomes: http://HOST:PORT")
	f.Float64Var(&form.callsPerSecond, "calls-per-second", 0, "calls a second that are taken; more are answered with status 429 and Retry-After; 0 for no bound")
	f.StringVar(&form.logFormat, "log-format", "", "text or json; by default text on a terminal")
	f.StringVar(&form.logLevel, "log-level", "info", "debug, info, warn or error")
	return c
}

func (s *sandboxForm) run(ctx context.Context, log *slog.Logger) error {
	secret, err := readSecret(s.secretFile)
	if err != nil {
		return fmt.Errorf("--payment-secret-file: %w", err)
	}
	config := sandbox.DefaultConfig()
	config.Path, config.Secrets, config.Logger = s.books, [][]byte{secret}, log
	config.CallsPerSecond = s.callsPerSecond
	config.Reached = func(step sandbox.Step) { failpoint.Hit(failpoint.Provider + failpoint.Name(step)) }
	if s.webhook != "" {
		config.Notify = s.notifier(log)
	}
	books, err := sandbox.Open(config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return errors.Join(err, books.Close())
	}
	server := sandbox.NewServer(books, secret, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("ready", "provider", "sandbox", "listening", "http://"+listener.Addr().String(), "books", s.books)
	select {
	case err = <-failed:
	case <-ctx.Done():
		draining, cancel := context.WithTimeout(context.Background(), privateDrainTimeout)
		defer cancel()
		err = server.Shutdown(draining)
	}
	return errors.Join(err, books.Close())
}

// webhookTimeout bounds sending one webhook, and webhookTries how often it is sent.
const (
	webhookTimeout = 5 * time.Second
	webhookTries   = 3
)

// notifier sends webhooks until they are taken, a few times.
func (s *sandboxForm) notifier(log *slog.Logger) func(signature string, body []byte) {
	web := &http.Client{Timeout: webhookTimeout}
	address := strings.TrimSuffix(s.webhook, "/") + "/v1/payments/webhook/sandbox"
	return func(signature string, body []byte) {
		for try := range webhookTries {
			if try > 0 {
				time.Sleep(time.Duration(try) * 200 * time.Millisecond)
			}
			request, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(body))
			if err != nil {
				log.Error("webhook", "error", err)
				return
			}
			request.Header.Set("Onsale-Signature", signature)
			response, err := web.Do(request)
			if err == nil {
				response.Body.Close()
				if response.StatusCode < 300 {
					return
				}
				err = fmt.Errorf("answered %s", response.Status)
			}
			log.Debug("a webhook was not taken", "try", try+1, "error", err)
		}
	}
}
