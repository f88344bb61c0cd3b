package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onsale/api/auth"
	"onsale/api/challenge"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/plain"
	"onsale/sequencer"
)

// door says how to reach a buyers' listener, and as whom.
type door struct {
	address, token, secretFile, user string
	patience                         patience
}

func (d *door) flags(f *pflag.FlagSet) {
	f.StringVar(&d.address, "http", envOr("ONSALE_HTTP", "127.0.0.1:8101"), "buyers' listener of any node")
	f.StringVar(&d.token, "token", "", "the buyer's token")
	f.StringVar(&d.user, "user", "", "the buyer, when a token is to be made with the secret")
	f.StringVar(&d.secretFile, "secret-file", envOr("ONSALE_SECRET_FILE", "data/token-secret"), secretFileHelp)
}

func (d *door) open() (*client.Client, error) {
	token := d.token
	if token == "" {
		if d.user == "" {
			return nil, fmt.Errorf("%w: give --token, or --user and --secret-file to make one", errUsage)
		}
		secret, err := readSecret(d.secretFile)
		if err != nil {
			return nil, err
		}
		if token, err = issue(secret, d.user, auth.RoleBuyer, d.patience.lifetime()); err != nil {
			return nil, err
		}
	}
	return client.New(client.Config{Address: d.address, Token: token})
}

func newBuy(p *program) *cobra.Command {
	var d door
	var purchase client.Purchase
	c := &cobra.Command{Use: "buy", Short: "Buy tickets", Args: arguments(cobra.NoArgs),
		Example: "  onsale buy --sale arena --quantity 2 --user alice --secret-file data/token-secret",
		RunE: func(c *cobra.Command, _ []string) error {
			buyer, err := d.open()
			if err != nil {
				return err
			}
			if purchase.Key == "" {
				purchase.Key = rand.Text()
			}
			decision, err := buyer.Buy(c.Context(), purchase)
			if err != nil {
				return fmt.Errorf("%w (--key %s)", err, purchase.Key)
			}
			if err := p.showFields(decision); err != nil {
				return err
			}
			if decision.Status != "fail" {
				return nil
			}
			if c.Flags().Changed("key") { // the key may have been sent before
				p.tellOrders(c.Context(), buyer, purchase.Sale)
			}
			return refusal(decision)
		}}
	d.flags(c.Flags())
	c.Flags().StringVar(&purchase.Sale, "sale", "", "which sale; not needed when only one is on")
	c.Flags().Uint8VarP(&purchase.Quantity, "quantity", "q", 1, "tickets to buy")
	c.Flags().Uint8Var(&purchase.Min, "min", 0, "take fewer, down to this; 0 is all or nothing, and refused as not_enough when fewer are left")
	c.Flags().IntVar(&purchase.ChallengeBitsMax, "challenge-bits-max", challenge.DifficultyBitsMax, "bits of work at most that are done when the server asks for it; 0 for none")
	c.Flags().StringVar(&purchase.Reference, "reference", "", "what your side calls the purchase, such as a cart's number: at most 40 printable ASCII characters")
	c.Flags().StringVar(&purchase.Key, "key", "", "idempotency key; by default a new one")
	return c
}

// refusal is the error of a buy that was refused, with what to do next.
func refusal(d *contract.Decision) error {
	if d.Reason == sequencer.CodeNotEnough.String() {
		return fmt.Errorf("%w: %s: %d left; --min 1 takes what is left", errRefused, d.Reason, d.AvailableQuantity)
	}
	return fmt.Errorf("%w: %s", errRefused, d.Reason)
}

// tellOrders names the buyer's live orders of a sale, or of all sales: when a purchase was
// sent more than once, an earlier copy may have bought although a later one was refused.
func (p *program) tellOrders(ctx context.Context, buyer *client.Client, sale string) {
	page, err := buyer.Orders(ctx, 0, "")
	if err != nil {
		fmt.Fprintln(p.err, "the buyer's orders cannot be seen now:", plain.Text(err.Error()))
		return
	}
	for _, o := range page.Orders {
		if (sale == "" || o.Sale == sale) && (o.Status == "pending" || o.Status == "paid") {
			fmt.Fprintf(p.err, "the buyer has order %s of %s: %s\n", plain.Line(o.UID), plain.Line(o.Sale), plain.Line(o.State))
		}
	}
}

func newOrder(p *program) *cobra.Command {
	return group("order", "See and cancel a buyer's orders; as the seller find, show, refund and export them",
		p.orderVerb("get", "Show an order", func(b *client.Client, c *cobra.Command, uid string) (*contract.Order, error) {
			return b.Order(c.Context(), uid)
		}),
		newOrderCancel(p), newOrderList(p),
		newOrderFind(p), newOrderShow(p), newOrderRefund(p), newOrderExport(p),
	)
}

// some are how many tickets of an order are given back, and the key under which they are once.
type some struct {
	tickets uint8
	named   []uint // numbers of tickets; of a refund
	key     string
}

func (s *some) flags(f *pflag.FlagSet, what string) {
	f.Uint8VarP(&s.tickets, "quantity", "q", 0, "tickets to "+what+"; 0 is all that the order has")
	f.StringVar(&s.key, "key", "", "idempotency key of a part; by default a new one")
}

// name lets tickets be named: as many as are given back.
func (s *some) name() error {
	switch {
	case len(s.named) > sequencer.CapMax || s.tickets != 0 && len(s.named) > 0 && int(s.tickets) != len(s.named):
		return fmt.Errorf("%w: --tickets names %d, and --quantity is %d", errUsage, len(s.named), s.tickets)
	case slices.ContainsFunc(s.named, func(n uint) bool { return n < 1 || n > sequencer.TicketNumberMax }):
		return fmt.Errorf("%w: --tickets has a number that no ticket has", errUsage)
	case len(s.named) > 0:
		s.tickets = uint8(len(s.named))
	}
	return nil
}

// numbers are the tickets that are named, ascending.
func (s *some) numbers() (numbers []uint32) {
	for _, number := range s.named {
		numbers = append(numbers, uint32(number))
	}
	slices.Sort(numbers)
	return numbers
}

// do calls all, or part with the key, which it names when the outcome is not known.
func (s *some) do(all func() (*contract.Order, error), part func(tickets uint8, key string) (*contract.Order, error)) (*contract.Order, error) {
	if s.tickets == 0 {
		return all()
	}
	if s.key == "" {
		s.key = rand.Text()
	}
	order, err := part(s.tickets, s.key)
	if err != nil {
		return nil, fmt.Errorf("%w (--key %s)", err, s.key)
	}
	return order, nil
}

// newOrderCancel cancels a buyer's own order, or as the seller anybody's.
func newOrderCancel(p *program) *cobra.Command {
	var buyer door
	var seller desk
	var part some
	var asSeller bool
	c := &cobra.Command{Use: "cancel UID", Short: "Give a reservation back, or leave the waitlist", Args: arguments(cobra.ExactArgs(1)),
		Long: `Gives a reservation back, or leaves the waitlist. With --quantity a part of it is given
back: the rest goes on with its hold, or waits at its place for as many fewer. Asked again
under the same --key, as when the answer was lost, nothing more is given back.

With --seller it is an order of any buyer, asked of a node's private listener: the order's
history says whose token it was, and it does not count for the buyer's cool-down.`,
		Example: "  onsale order cancel 000G000000000002 --user alice\n  onsale order cancel 000G000000000002 --quantity 1 --user alice\n" +
			"  onsale order cancel 000G000000000002 --seller --token $SELLER",
		RunE: func(c *cobra.Command, args []string) error {
			if !asSeller && c.Flags().Changed("private") {
				return fmt.Errorf("%w: --private is for --seller", errUsage)
			}
			cancel := buyer.cancel
			if asSeller {
				seller.token, seller.secretFile, seller.given = buyer.token, buyer.secretFile, c.Flags()
				cancel = seller.cancel
			}
			order, err := cancel(c.Context(), args[0], &part)
			if err != nil {
				return err
			}
			return p.showFields(order)
		}}
	buyer.flags(c.Flags())
	seller.addressFlags(c.Flags())
	part.flags(c.Flags(), "give back")
	c.Flags().BoolVar(&asSeller, "seller", false, "cancel an order of any buyer, with a token of the role seller or operator")
	return c
}

// cancel cancels a buyer's order, or a part of it.
func (d *door) cancel(ctx context.Context, uid string, part *some) (*contract.Order, error) {
	buyer, err := d.open()
	if err != nil {
		return nil, err
	}
	return part.do(func() (*contract.Order, error) { return buyer.CancelOrder(ctx, uid) },
		func(tickets uint8, key string) (*contract.Order, error) {
			return buyer.CancelTickets(ctx, uid, tickets, key)
		})
}

// cancel cancels anybody's order, or a part of it.
func (d *desk) cancel(ctx context.Context, uid string, part *some) (*contract.Order, error) {
	seller, err := d.open()
	if err != nil {
		return nil, err
	}
	return part.do(func() (*contract.Order, error) { return seller.WithdrawOrder(ctx, uid) },
		func(tickets uint8, key string) (*contract.Order, error) {
			return seller.WithdrawTickets(ctx, uid, tickets, key)
		})
}

func (p *program) orderVerb(verb, short string, do func(*client.Client, *cobra.Command, string) (*contract.Order, error)) *cobra.Command {
	var d door
	c := &cobra.Command{Use: verb + " UID", Short: short, Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			buyer, err := d.open()
			if err != nil {
				return err
			}
			order, err := do(buyer, c, args[0])
			if err != nil {
				return err
			}
			return p.showFields(order)
		}}
	d.flags(c.Flags())
	return c
}

func newOrderList(p *program) *cobra.Command {
	var d door
	c := &cobra.Command{Use: "list", Short: "List a buyer's orders", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			buyer, err := d.open()
			if err != nil {
				return err
			}
			orders := []contract.Order{}
			for cursor := ""; ; {
				page, err := buyer.Orders(c.Context(), 0, cursor)
				if err != nil {
					return err
				}
				orders = append(orders, page.Orders...)
				if !page.HasMore {
					break
				}
				cursor = page.Cursor
			}
			var rows [][]string
			for _, o := range orders {
				rows = append(rows, []string{o.UID, o.Sale, o.State, cell(o.Quantity), cell(o.Position), cell(o.ExpiresAt), cell(o.Seq)})
			}
			return p.show(orders, []string{"uid", "sale", "state", "quantity", "position", "expires_at", "seq"}, rows)
		}}
	d.flags(c.Flags())
	return c
}
