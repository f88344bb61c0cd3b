package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/localtime"
)

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
