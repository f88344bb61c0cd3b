package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/client"
	"onsale/payment"
)

// errOrphans is returned when there are charges whose orders are lost.
var errOrphans = fmt.Errorf("%w: charges of orders that are lost hold money; give them back with --refund or --refund-all",
	errDifferences)

// orphanage is what `payments orphans` was told to do.
type orphanage struct {
	desk
	refund, reason, record string
	refundAll, yes         bool
}

func newOrphans(p *program) *cobra.Command {
	var o orphanage
	c := &cobra.Command{Use: "orphans", Args: arguments(cobra.NoArgs),
		Short: "List charges whose orders are lost, and give them back",
		Long: `Reads all of the payment provider's books for charges that this cluster made, that hold
or took money, and whose orders it does not have: after a restore from a backup, what was
paid since. It changes nothing, and its exit code is 6 when there are any.

--refund gives one back by its key, --refund-all every one, oldest first. Both may be
repeated after an answer was lost: nothing goes back twice. Each is a line of the output,
and with --record one of that file when it is asked for and one when it is done; what a
file says was asked and not done is asked again first.

Make sure before that no process sells from the lost history any more: its new orders are
not here either.`,
		Example: `  onsale payments orphans
  onsale payments orphans --refund-all --reason "lost with n1 on 1 December" --record refunds.jsonl`,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c, p) }}
	o.flags(c.Flags())
	c.Flags().StringVar(&o.refund, "refund", "", "key of the charge to give back")
	c.Flags().BoolVar(&o.refundAll, "refund-all", false, "give all of them back")
	c.Flags().StringVar(&o.reason, "reason", "", "why, for the record; with --refund and --refund-all")
	c.Flags().StringVar(&o.record, "record", "", "file to which a JSON line is added for each step of a refund")
	c.Flags().BoolVar(&o.yes, "yes", false, "do not ask before --refund-all")
	return c
}

func (o *orphanage) check() error {
	refunds := o.refund != "" || o.refundAll
	switch {
	case o.refund != "" && o.refundAll:
		return fmt.Errorf("%w: give --refund or --refund-all, not both", errUsage)
	case refunds && o.reason == "":
		return fmt.Errorf("%w: a refund needs a --reason", errUsage)
	case !refunds && (o.reason != "" || o.record != "" || o.yes):
		return fmt.Errorf("%w: --reason, --record and --yes go with --refund or --refund-all", errUsage)
	}
	return nil
}

func (o *orphanage) run(c *cobra.Command, p *program) error {
	if err := o.check(); err != nil {
		return err
	}
	seller, err := o.open()
	if err != nil {
		return err
	}
	if o.refund == "" && !o.refundAll {
		return listOrphans(c.Context(), p, seller)
	}

	book, err := openRefundBook(o.record)
	if err != nil {
		return err
	}
	r := refunder{seller: seller, reason: o.reason, book: book}
	if o.refundAll {
		err = o.all(c, &r)
	} else {
		err = r.give(c.Context(), payment.Orphan{Key: o.refund})
	}
	err = errors.Join(err, book.close())
	if err != nil && len(r.done) == 0 {
		return err
	}
	return errors.Join(err, p.showRefunds(r.done))
}

func listOrphans(ctx context.Context, p *program, seller *client.Seller) error {
	found, err := seller.Orphans(ctx)
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(found.Orphans))
	for _, o := range found.Orphans {
		rows = append(rows, []string{
			o.Key, o.Why, o.Buyer, p.money(o.Amount, o.Currency), o.Currency, string(o.Phase),
			p.money(o.CapturedAmount, o.Currency), p.money(o.RefundedAmount, o.Currency), cell(o.CreatedAt),
		})
	}
	header := []string{
		"payment", "why", "buyer", "amount", "currency", "phase", "captured_amount", "refunded_amount", "created_at",
	}
	if err := p.show(found, header, rows); err != nil {
		return err
	}
	if len(found.Orphans) > 0 {
		return errOrphans
	}
	return nil
}

// all gives back what a record says was begun, then every orphan, list by list.
func (o *orphanage) all(c *cobra.Command, r *refunder) error {
	for _, key := range r.book.begun {
		if err := r.give(c.Context(), payment.Orphan{Key: key}); err != nil {
			return err
		}
	}
	for asked := o.yes; ; {
		found, err := r.seller.Orphans(c.Context())
		if err != nil || len(found.Orphans) == 0 {
			return err
		}
		if !asked {
			if err := confirm(c, fmt.Sprintf("give %d charges back%s", len(found.Orphans), more(found))); err != nil {
				return err
			}
			asked = true
		}
		for _, orphan := range found.Orphans {
			if err := r.give(c.Context(), orphan); err != nil {
				return err
			}
		}
	}
}

func more(found *payment.Orphans) string {
	if found.More {
		return ", and all those behind them"
	}
	return ""
}

// refunder gives orphans back, each with its lines in the book.
type refunder struct {
	seller *client.Seller
	reason string
	book   *refundBook
	done   []payment.OrphanRefund
}

func (r *refunder) give(ctx context.Context, orphan payment.Orphan) error {
	asked := payment.OrphanRefund{
		At: time.Now().UTC().Truncate(time.Millisecond), Key: orphan.Key, Order: orphan.Order, Birth: orphan.Birth,
		Buyer: orphan.Buyer, Amount: orphan.Amount, Currency: orphan.Currency, Before: orphan.Phase, Reason: r.reason,
	}
	if err := r.book.note(stepAsked, &asked); err != nil {
		return err
	}
	done, err := r.seller.RefundOrphan(ctx, orphan.Key, r.reason)
	if err != nil {
		return err
	}
	r.done = append(r.done, *done)
	return r.book.note(stepDone, done)
}

// showRefunds prints the records.
func (p *program) showRefunds(done []payment.OrphanRefund) error {
	rows := make([][]string, 0, len(done))
	for _, r := range done {
		rows = append(rows, []string{
			cell(r.At), r.Key, r.Buyer, p.money(r.Amount, r.Currency), r.Currency, string(r.Before), string(r.Phase), r.Actor,
		})
	}
	if done == nil {
		done = []payment.OrphanRefund{}
	}
	return p.show(done, []string{"at", "payment", "buyer", "amount", "currency", "phase_before", "phase", "actor"}, rows)
}
