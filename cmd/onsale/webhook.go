package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
)

// webhookDesk says how to reach the process that sends webhooks.
type webhookDesk struct{ address, token, secretFile string }

func (d *webhookDesk) flags(c *cobra.Command) *cobra.Command {
	f := c.Flags()
	f.StringVar(&d.address, "webhooks", envOr("ONSALE_WEBHOOKS", "127.0.0.1:8601"), "private listener of the process onsale webhooks")
	f.StringVar(&d.token, "token", "", "token with the role operator, else "+tokenVariable+"; without either one is made with the secret")
	f.StringVar(&d.secretFile, "secret-file", envOr("ONSALE_SECRET_FILE", "data/token-secret"), secretFileHelp)
	return c
}

func (d *webhookDesk) open() (*client.Webhooks, error) {
	token := d.token
	if token == "" {
		token = envOr(tokenVariable, "")
	}
	if token == "" {
		secret, err := readSecret(d.secretFile)
		if err != nil {
			return nil, fmt.Errorf("%w; give --token, %s or --secret-file", err, tokenVariable)
		}
		if token, err = issue(secret, "cli", auth.RoleOperator, time.Minute); err != nil {
			return nil, err
		}
	}
	return client.NewWebhooks(client.Config{Address: d.address, Token: token})
}

func newWebhook(p *program) *cobra.Command {
	return group("webhook", "Look after the endpoints to which events are sent",
		newWebhookList(p), newWebhookTest(p), newWebhookEnable(p), newWebhookReplay(p),
		group("dead", "Look after events that were given up", newDeadList(p), newDeadRetry(p)))
}

// asking runs a command with a client.
func asking(d *webhookDesk, do func(ctx context.Context, w *client.Webhooks, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		w, err := d.open()
		if err != nil {
			return err
		}
		return do(c.Context(), w, args)
	}
}

func newWebhookList(p *program) *cobra.Command {
	d := new(webhookDesk)
	return d.flags(&cobra.Command{Use: "list", Short: "List endpoints and how they stand", Args: arguments(cobra.NoArgs),
		RunE: asking(d, func(ctx context.Context, w *client.Webhooks, _ []string) error {
			list, err := w.List(ctx)
			if err != nil {
				return err
			}
			var rows [][]string
			for i := range list.Webhooks {
				rows = append(rows, webhookRow(&list.Webhooks[i]))
			}
			return p.show(list, []string{"name", "origin", "state", "pending", "dead", "lag", "position", "error"}, rows)
		})})
}

func webhookRow(e *contract.Webhook) []string {
	state, said := "on", e.Error
	if e.Stopped != nil {
		state, said = e.Stopped.Reason, e.Stopped.Why
	} else if e.FeedError != "" {
		state, said = "no feed", e.FeedError
	}
	lag := time.Duration(e.LagSeconds * float64(time.Second)).Round(time.Millisecond)
	return []string{e.Name, e.Origin, state, strconv.Itoa(e.Pending), strconv.Itoa(e.Dead), lag.String(), e.Position, said}
}

// errNotTaken is returned when a receiver did not take a test.
var errNotTaken = errors.New("the receiver did not take it")

func newWebhookTest(p *program) *cobra.Command {
	d := new(webhookDesk)
	return d.flags(&cobra.Command{Use: "test ENDPOINT", Short: "Send an endpoint a test event, once", Args: arguments(cobra.ExactArgs(1)),
		Long: `Sends an event of the type onsale.webhook.test.v1, signed as all are, also to an endpoint that
is stopped, and says what came of it. It exits with 1 unless the receiver took it.`,
		Example: "  onsale webhook test shop",
		RunE: asking(d, func(ctx context.Context, w *client.Webhooks, args []string) error {
			test, err := w.Test(ctx, args[0])
			if err != nil {
				return err
			}
			if err := p.showFields(test); err != nil {
				return err
			}
			if test.Result != "delivered" {
				return fmt.Errorf("%w: %s", errNotTaken, test.Result)
			}
			return nil
		})})
}

func newWebhookEnable(p *program) *cobra.Command {
	d := new(webhookDesk)
	return d.flags(&cobra.Command{Use: "enable ENDPOINT", Short: "Let a stopped endpoint go on where it is", Args: arguments(cobra.ExactArgs(1)),
		Long: `An endpoint is stopped when its receiver answers 410, when it takes nothing for disable_after,
or when there are as many dead letters as may be. What it was not sent waits.`,
		RunE: asking(d, func(ctx context.Context, w *client.Webhooks, args []string) error {
			if err := w.Enable(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintln(p.out, "enabled", args[0])
			return err
		})})
}

func newWebhookReplay(p *program) *cobra.Command {
	d := new(webhookDesk)
	var from string
	c := &cobra.Command{Use: "replay ENDPOINT", Short: "Send an endpoint all again from a place on", Args: arguments(cobra.ExactArgs(1)),
		Long: `Sends all events again that are behind --from, the id of an event or a position of
onsale webhook list, beside what waits already; the ids are the same as before. A stopped endpoint
goes on with it.`,
		Example: "  onsale webhook replay shop --from oldest",
		RunE: asking(d, func(ctx context.Context, w *client.Webhooks, args []string) error {
			if from == "oldest" {
				from = ""
			}
			if err := w.Replay(ctx, args[0], from); err != nil {
				return err
			}
			_, err := fmt.Fprintln(p.out, "replaying", args[0])
			return err
		})}
	c.Flags().StringVar(&from, "from", "", "id of the event behind which to begin, or oldest")
	if err := c.MarkFlagRequired("from"); err != nil {
		panic(err) // the flag is above
	}
	return d.flags(c)
}

func newDeadList(p *program) *cobra.Command {
	d := new(webhookDesk)
	return d.flags(&cobra.Command{Use: "list ENDPOINT", Short: "List events that were given up", Args: arguments(cobra.ExactArgs(1)),
		RunE: asking(d, func(ctx context.Context, w *client.Webhooks, args []string) error {
			list, err := w.Letters(ctx, args[0])
			if err != nil {
				return err
			}
			var rows [][]string
			for _, l := range list.Letters {
				rows = append(rows, []string{strconv.FormatUint(l.Number, 10), l.ID, l.Type, l.Subject, strconv.Itoa(l.Attempts),
					l.DeadAt.Format(time.RFC3339), l.Said})
			}
			return p.show(list, []string{"number", "id", "type", "subject", "attempts", "dead_at", "said"}, rows)
		})})
}

func newDeadRetry(p *program) *cobra.Command {
	d := new(webhookDesk)
	return d.flags(&cobra.Command{Use: "retry ENDPOINT [NUMBER…]", Short: "Send events again that were given up", Args: arguments(cobra.MinimumNArgs(1)),
		Long: `Takes dead letters back, by their numbers, behind what waits already; without numbers the
oldest 100. Later events of the same order may have been delivered meanwhile.`,
		Example: "  onsale webhook dead retry shop\n  onsale webhook dead retry shop 17 18",
		RunE: asking(d, func(ctx context.Context, w *client.Webhooks, args []string) error {
			var numbers []uint64
			for _, arg := range args[1:] {
				number, err := strconv.ParseUint(arg, 10, 64)
				if err != nil {
					return fmt.Errorf("%w: %q is no number of a dead letter", errUsage, arg)
				}
				numbers = append(numbers, number)
			}
			count, err := w.Retry(ctx, args[0], numbers...)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "%d wait again\n", count)
			return err
		})})
}
