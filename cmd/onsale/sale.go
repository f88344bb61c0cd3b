package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/cluster/certificate"
	"onsale/internal/localtime"
)

// desk says how to reach a private listener.
type desk struct {
	address, token, secretFile, stateFile string
	files                                 certificate.Files
	patience                              patience
	given                                 *pflag.FlagSet
}

func (d *desk) flags(f *pflag.FlagSet) {
	d.addressFlags(f)
	f.StringVar(&d.token, "token", "", "token with the role seller or operator, else "+tokenVariable+"; without either one is made with the secret")
	f.StringVar(&d.secretFile, "secret-file", envOr("ONSALE_SECRET_FILE", "data/token-secret"), secretFileHelp)
}

// addressFlags say where the listener is, and not as whom it is asked.
func (d *desk) addressFlags(f *pflag.FlagSet) {
	d.given = f
	f.StringVar(&d.address, "private", envOr("ONSALE_PRIVATE", "127.0.0.1:8201"), "private listener of any node")
	f.StringVar(&d.stateFile, "state-file", os.Getenv("ONSALE_STATE_FILE"), "file that remembers which cluster was met, so that nodes of one that it succeeded are refused")
	f.StringVar(&d.files.Authority, "tls-ca", os.Getenv("ONSALE_TLS_CA"), "authority of a cluster that runs with TLS")
	f.StringVar(&d.files.Certificate, "tls-cert", os.Getenv("ONSALE_TLS_CERT"), "the operator's certificate (onsale tls cert --operator)")
	f.StringVar(&d.files.Key, "tls-key", os.Getenv("ONSALE_TLS_KEY"), "file with the private key of --tls-cert")
}

// transport returns how the listener is reached: with the operator's certificate
// when one is given.
func (d *desk) transport() (address string, h *http.Client, err error) {
	if d.files == (certificate.Files{}) {
		return d.address, nil, nil
	}
	c, err := certificate.Open(d.files, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", nil, fmt.Errorf("%w: TLS: %w", errUsage, err)
	}
	address = d.address
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	t := &http.Transport{TLSClientConfig: c.Client(certificate.Identity{Role: certificate.RoleNode})}
	return address, &http.Client{Transport: t, Timeout: 30 * time.Second}, nil
}

// tokenVariable names a seller's or operator's token in the environment: there the list of
// processes does not show it.
const tokenVariable = "ONSALE_TOKEN"

// ownToken returns the token that was given, "" when one is to be made: a flag wins over the
// environment.
func (d *desk) ownToken() string {
	if d.token != "" || d.given.Changed("secret-file") {
		return d.token
	}
	return os.Getenv(tokenVariable)
}

// open returns a client of the private listener.
func (d *desk) open() (*client.Seller, error) {
	token := d.ownToken()
	if token == "" {
		secret, err := readSecret(d.secretFile)
		if err != nil {
			return nil, fmt.Errorf("%w; give --token, %s or --secret-file", err, tokenVariable)
		}
		if token, err = issue(secret, "cli", auth.RoleSeller|auth.RoleOperator, d.patience.lifetime()); err != nil {
			return nil, err
		}
	}
	address, transport, err := d.transport()
	if err != nil {
		return nil, err
	}
	operator, err := client.NewSeller(client.Config{Address: address, Token: token, HTTP: transport})
	if err != nil || d.stateFile == "" {
		return operator, err
	}
	return operator, d.meet(operator)
}

func newSale(p *program) *cobra.Command {
	return group("sale", "Create, change and report sales",
		newSaleCreate(p), newSaleUpdate(p), newSaleList(p), newSaleShow(p), newSaleReport(p), newSaleHistory(p),
		p.saleVerb("pause", "Stop the buys, not the holds", (*client.Seller).PauseSale),
		p.saleVerb("resume", "Go on after a pause", (*client.Seller).ResumeSale),
		p.saleVerb("close", "End the buying for good; what is reserved may still be paid", (*client.Seller).CloseSale),
		newSaleCancel(p), newSaleQuantity(p), newSaleOpen(p), newSaleExtend(p), newSaleRelease(p),
	)
}

// saleForm are the flags that describe a sale.
type saleForm struct {
	item, currency, startsAt string
	zone                     string
	now                      bool
	quantity, waitlist       uint32
	capacity                 uint8
	price                    int64
	hold, promotedHold       time.Duration
	grace                    time.Duration
	skipUnfit                bool
	expiredHoldsMax          uint8
	coolDown                 time.Duration
	buysPerSecond            uint32
}

func (s *saleForm) flags(f *pflag.FlagSet) {
	f.StringVar(&s.item, "item", "", "what is sold")
	f.Uint32Var(&s.quantity, "quantity", 0, "tickets to buy")
	f.Uint8Var(&s.capacity, "cap", contract.DefaultCap, "tickets a user may hold")
	f.Uint32Var(&s.waitlist, "waitlist", 0, "orders that may wait when it is sold out")
	f.Int64Var(&s.price, "price", 0, "of one ticket, in minor units of the currency (cents); 0 sells for nothing, and must be said of a new sale")
	f.StringVar(&s.currency, "currency", "EUR", "currency of the price, by ISO 4217: EUR")
	f.StringVar(&s.startsAt, "starts-at", "", "time at which the sale opens: with its offset (RFC 3339), as the clocks of the sale's zone show it (2026-12-01T10:00), or a duration from now such as 10m; by default at once")
	f.StringVar(&s.zone, "zone", "", "time zone in which the sale is told, such as Europe/Berlin; empty is UTC")
	f.BoolVar(&s.now, "now", false, "open the sale at once, whatever --starts-at would say; a start in the past is refused without it")
	f.DurationVar(&s.hold, "hold", contract.DefaultHold, "how long a reservation waits for its payment")
	f.DurationVar(&s.promotedHold, "promoted-hold", 0, "how long the reservation of who was promoted from the waitlist waits for its payment; 0 for as long as of who bought")
	f.DurationVar(&s.grace, "grace", contract.DefaultGrace, "by how much a payment that began in time may outlast it")
	f.Uint8Var(&s.expiredHoldsMax, "expired-holds-max", 0, "holds that a user may let run out within --cool-down; 0 for no bound")
	f.DurationVar(&s.coolDown, "cool-down", 0, "how long who let too many run out buys nothing more")
	f.Uint32Var(&s.buysPerSecond, "buys-per-second", 0, "buys a second that each front-end, or node, lets through; 0 for all that come")
	f.BoolVar(&s.skipUnfit, "skip-unfit", false, "serve past a waiting order that does not fit")
}

// givenPrice is nil when none was said: then the sale is refused.
func (s *saleForm) givenPrice(f *pflag.FlagSet) *int64 {
	if !f.Changed("price") {
		return nil
	}
	return &s.price
}

// start reads --starts-at and --now; a local time is of the zone.
func (s *saleForm) start(zone string) (*time.Time, error) {
	if s.now {
		at := contract.AtOnce()
		return &at, nil
	}
	if s.startsAt == "" {
		return nil, nil
	}
	if ahead, err := time.ParseDuration(s.startsAt); err == nil {
		at := time.Now().Add(ahead)
		return &at, nil
	}
	if localtime.IsLocal(s.startsAt) && zone == "" {
		return nil, fmt.Errorf("%w: --starts-at %s is of which zone? Say --zone Europe/Berlin, or give the time its offset: Z is UTC", errUsage, s.startsAt)
	}
	place, err := localtime.Zone(zone)
	if err != nil {
		return nil, fmt.Errorf("%w: --zone: %w", errUsage, err)
	}
	at, err := localtime.Parse(s.startsAt, place)
	if err != nil {
		return nil, fmt.Errorf("%w: --starts-at, where a duration such as 10m does too: %w", errUsage, err)
	}
	return &at, nil
}

func newSaleCreate(p *program) *cobra.Command {
	var d desk
	var form saleForm
	test := false
	c := &cobra.Command{Use: "create ID", Short: "Create a sale", Args: arguments(cobra.ExactArgs(1)),
		Example: "  onsale sale create arena --item 'Arena, 1 May' --quantity 100000 --price 4900 --starts-at 10m --waitlist 5000",
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			at, err := form.start(form.zone)
			if err != nil {
				return err
			}
			hold, grace, coolDown := contract.Duration(form.hold), contract.Duration(form.grace), contract.Duration(form.coolDown)
			promotedHold := contract.Duration(form.promotedHold)
			if form.item == "" {
				form.item = args[0]
			}
			made, err := seller.CreateSale(c.Context(), contract.NewSale{
				ID: args[0], Item: form.item, Quantity: form.quantity, Cap: &form.capacity, Waitlist: form.waitlist, Price: form.givenPrice(c.Flags()),
				Currency: form.currency, StartsAt: at, Hold: &hold, PromotedHold: &promotedHold, Grace: &grace, SkipUnfit: form.skipUnfit,
				ExpiredHoldsMax: form.expiredHoldsMax, CoolDown: &coolDown, Zone: form.zone, Test: test, BuysPerSecond: form.buysPerSecond,
			})
			if err != nil {
				return err
			}
			return p.showFields(made)
		}}
	d.flags(c.Flags())
	form.flags(c.Flags())
	c.Flags().BoolVar(&test, "test", false, "a rehearsal: bench load may load it, and no money moves; it stays one")
	return c
}

func newSaleUpdate(p *program) *cobra.Command {
	var d desk
	var form saleForm
	c := &cobra.Command{Use: "update ID", Short: "Change a sale: anything before its start; later quantity, waitlist, hold, promoted-hold, skip-unfit, cool-down, zone and buys-per-second", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			zone, err := form.zoneOf(c, seller, args[0])
			if err != nil {
				return err
			}
			change, err := form.change(c.Flags(), zone)
			if err != nil {
				return err
			}
			changed, err := seller.ChangeSale(c.Context(), args[0], change)
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	form.flags(c.Flags())
	return c
}

// zoneOf is the zone of a local --starts-at: the one that is given, or the sale's own.
func (s *saleForm) zoneOf(c *cobra.Command, seller *client.Seller, sale string) (string, error) {
	if c.Flags().Changed("zone") || !localtime.IsLocal(s.startsAt) {
		return s.zone, nil
	}
	is, err := seller.Sale(c.Context(), sale)
	if err != nil {
		return "", err
	}
	return is.Zone, nil
}

// change holds the flags that were given, and no others.
func (s *saleForm) change(f *pflag.FlagSet, zone string) (contract.SaleChange, error) {
	at, err := s.start(zone)
	change := contract.SaleChange{StartsAt: at}
	hold, grace, coolDown := contract.Duration(s.hold), contract.Duration(s.grace), contract.Duration(s.coolDown)
	promotedHold := contract.Duration(s.promotedHold)
	f.Visit(func(flag *pflag.Flag) {
		switch flag.Name {
		case "item":
			change.Item = &s.item
		case "quantity":
			change.Quantity = &s.quantity
		case "cap":
			change.Cap = &s.capacity
		case "waitlist":
			change.Waitlist = &s.waitlist
		case "price":
			change.Price = &s.price
		case "currency":
			change.Currency = &s.currency
		case "hold":
			change.Hold = &hold
		case "promoted-hold":
			change.PromotedHold = &promotedHold
		case "grace":
			change.Grace = &grace
		case "expired-holds-max":
			change.ExpiredHoldsMax = &s.expiredHoldsMax
		case "cool-down":
			change.CoolDown = &coolDown
		case "zone":
			change.Zone = &s.zone
		case "buys-per-second":
			change.BuysPerSecond = &s.buysPerSecond
		case "skip-unfit":
			change.SkipUnfit = &s.skipUnfit
		}
	})
	return change, err
}

func newSaleList(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "list", Short: "List the sales", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			list, err := allSales(c.Context(), seller)
			if err != nil {
				return err
			}
			var rows [][]string
			for _, s := range list.Sales {
				rows = append(rows, []string{s.ID, s.Status, cell(s.Quantity), cell(s.Sold), cell(s.Held), cell(s.Available), cell(s.Waiting), cell(s.StartsAt)})
			}
			return p.show(list, []string{"id", "status", "quantity", "sold", "held", "available", "waiting", "starts_at"}, rows)
		}}
	d.flags(c.Flags())
	return c
}

// allSales gathers all pages of the sales.
func allSales(ctx context.Context, seller *client.Seller) (*contract.SaleList, error) {
	all := &contract.SaleList{Sales: []contract.SaleDetail{}}
	for cursor := ""; ; {
		page, err := seller.Sales(ctx, strict.LimitMax, cursor)
		if err != nil {
			return nil, err
		}
		all.Sales = append(all.Sales, page.Sales...)
		if !page.HasMore {
			return all, nil
		}
		cursor = page.Cursor
	}
}

// saleVerb is a command that does one thing to a sale and shows it.
func (p *program) saleVerb(verb, short string, do func(*client.Seller, context.Context, string) (*contract.SaleDetail, error)) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: verb + " ID", Short: short, Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			changed, err := do(seller, c.Context(), args[0])
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	return c
}

func newSaleShow(p *program) *cobra.Command {
	return p.saleVerb("show", "Show a sale with its counters", (*client.Seller).Sale)
}

// newSaleCancel asks for --yes: a cancelled sale cannot be taken back.
func newSaleCancel(p *program) *cobra.Command {
	var d desk
	var yes bool
	c := &cobra.Command{Use: "cancel ID", Short: "End the sale and its reservations for good; paid orders are refunded", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if !yes {
				return fmt.Errorf("%w: a cancelled sale cannot be opened again; add --yes", errUsage)
			}
			seller, err := d.open()
			if err != nil {
				return err
			}
			sale, err := seller.CancelSale(c.Context(), args[0])
			if err != nil {
				return err
			}
			sale, err = d.patience.settled(c.Context(), p, seller, sale)
			return errors.Join(err, p.showFields(sale))
		}}
	d.flags(c.Flags())
	d.patience.flags(c.Flags())
	c.Flags().BoolVar(&yes, "yes", false, "really")
	return c
}
