package sequencer

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func usualSpec() SaleSpec {
	return SaleSpec{ID: "concert", Item: "Concert", Quantity: 10, Cap: 2, Price: 100, Currency: "EUR", Hold: 1000, Grace: 10}
}

// Each field of a sale is taken at its bounds and refused behind them, by name.
func TestSpecBounds(t *testing.T) {
	for _, c := range []struct {
		field string
		set   func(*SaleSpec)
		taken bool
	}{
		{"id", func(s *SaleSpec) { s.ID = "" }, false},
		{"id", func(s *SaleSpec) { s.ID = strings.Repeat("a", SaleIDBytesMax) }, true},
		{"id", func(s *SaleSpec) { s.ID = strings.Repeat("a", SaleIDBytesMax+1) }, false},
		{"id", func(s *SaleSpec) { s.ID = "az09-_." }, true},
		{"id", func(s *SaleSpec) { s.ID = "0" }, true},
		{"id", func(s *SaleSpec) { s.ID = "z" }, true},
		{"id", func(s *SaleSpec) { s.ID = "-a" }, false},
		{"id", func(s *SaleSpec) { s.ID = "_a" }, false},
		{"id", func(s *SaleSpec) { s.ID = ".a" }, false},
		{"id", func(s *SaleSpec) { s.ID = "aA" }, false},
		{"id", func(s *SaleSpec) { s.ID = "a`" }, false},
		{"id", func(s *SaleSpec) { s.ID = "a{" }, false},
		{"id", func(s *SaleSpec) { s.ID = "a/" }, false},
		{"id", func(s *SaleSpec) { s.ID = "a:" }, false},
		{"item", func(s *SaleSpec) { s.Item = "" }, false},
		{"item", func(s *SaleSpec) { s.Item = strings.Repeat("a", ItemBytesMax) }, true},
		{"item", func(s *SaleSpec) { s.Item = strings.Repeat("a", ItemBytesMax+1) }, false},
		{"item", func(s *SaleSpec) { s.Item = "\xff" }, false},
		{"quantity", func(s *SaleSpec) { s.Quantity = 0 }, false},
		{"quantity", func(s *SaleSpec) { s.Quantity = 1 }, true},
		{"quantity", func(s *SaleSpec) { s.Quantity = TicketsMax }, true},
		{"quantity", func(s *SaleSpec) { s.Quantity = TicketsMax + 1 }, false},
		{"cap", func(s *SaleSpec) { s.Cap = 0 }, false},
		{"cap", func(s *SaleSpec) { s.Cap = 1 }, true},
		{"cap", func(s *SaleSpec) { s.Cap = CapMax }, true},
		{"cap", func(s *SaleSpec) { s.Cap = CapMax + 1 }, false},
		{"waitlist", func(s *SaleSpec) { s.Waitlist = WaitlistMax }, true},
		{"waitlist", func(s *SaleSpec) { s.Waitlist = WaitlistMax + 1 }, false},
		{"price", func(s *SaleSpec) { s.Price = -1 }, false},
		{"price", func(s *SaleSpec) { s.Price = 0 }, true},
		{"price", func(s *SaleSpec) { s.Price = PriceMax }, true},
		{"price", func(s *SaleSpec) { s.Price = PriceMax + 1 }, false},
		{"currency", func(s *SaleSpec) { s.Currency = "AZM" }, true},
		{"currency", func(s *SaleSpec) { s.Currency = "EU" }, false},
		{"currency", func(s *SaleSpec) { s.Currency = "EURO" }, false},
		{"currency", func(s *SaleSpec) { s.Currency = "@UR" }, false},
		{"currency", func(s *SaleSpec) { s.Currency = "EU[" }, false},
		{"zone", func(s *SaleSpec) { s.Zone = "America/Port-au-Prince" }, true},
		{"zone", func(s *SaleSpec) { s.Zone = "Etc/GMT+5" }, true},
		{"zone", func(s *SaleSpec) { s.Zone = strings.Repeat("a", ZoneBytesMax) }, true},
		{"zone", func(s *SaleSpec) { s.Zone = strings.Repeat("a", ZoneBytesMax+1) }, false},
		{"zone", func(s *SaleSpec) { s.Zone = "/etc/passwd" }, false},
		{"zone", func(s *SaleSpec) { s.Zone = "a/../b" }, false},
		{"zone", func(s *SaleSpec) { s.Zone = "Europe Berlin" }, false},
		{"starts_at", func(s *SaleSpec) { s.StartsAt = -1 }, false},
		{"starts_at", func(s *SaleSpec) { s.StartsAt = TimeMax }, true},
		{"starts_at", func(s *SaleSpec) { s.StartsAt = TimeMax + 1 }, false},
		{"hold", func(s *SaleSpec) { s.Hold = 0 }, false},
		{"promoted_hold", func(s *SaleSpec) { s.PromotedHold = -1 }, false},
		{"promoted_hold", func(s *SaleSpec) { s.PromotedHold = 0 }, true},
		{"promoted_hold", func(s *SaleSpec) { s.PromotedHold = DurationMax }, true},
		{"promoted_hold", func(s *SaleSpec) { s.PromotedHold = DurationMax + 1 }, false},
		{"hold", func(s *SaleSpec) { s.Hold = 1 }, true},
		{"hold", func(s *SaleSpec) { s.Hold = DurationMax }, true},
		{"hold", func(s *SaleSpec) { s.Hold = DurationMax + 1 }, false},
		{"grace", func(s *SaleSpec) { s.Grace = -1 }, false},
		{"grace", func(s *SaleSpec) { s.Grace = 0 }, true},
		{"grace", func(s *SaleSpec) { s.Grace = DurationMax }, true},
		{"grace", func(s *SaleSpec) { s.Grace = DurationMax + 1 }, false},
		{"expired_holds_max", func(s *SaleSpec) { s.ExpiredHoldsMax, s.CoolDown = OrdersPerUserMax, 1 }, true},
		{"expired_holds_max", func(s *SaleSpec) { s.ExpiredHoldsMax, s.CoolDown = OrdersPerUserMax+1, 1 }, false},
		{"cool_down", func(s *SaleSpec) { s.ExpiredHoldsMax, s.CoolDown = 1, DurationMax }, true},
		{"cool_down", func(s *SaleSpec) { s.ExpiredHoldsMax, s.CoolDown = 1, DurationMax+1 }, false},
		{"cool_down", func(s *SaleSpec) { s.ExpiredHoldsMax, s.CoolDown = 1, -1 }, false},
		{"cool_down", func(s *SaleSpec) { s.ExpiredHoldsMax = 1 }, false},
		{"cool_down", func(s *SaleSpec) { s.CoolDown = 1 }, false},
	} {
		s := usualSpec()
		c.set(&s)
		err := s.Validate()
		if c.taken != (err == nil) || !c.taken && (!errors.Is(err, ErrBadSpec) || !strings.Contains(err.Error(), ": "+c.field+" is ")) {
			t.Errorf("%s of %+v: %v", c.field, s, err)
		}
		if len(s.ID) > SaleIDBytesMax || len(s.Item) > ItemBytesMax || len(s.Zone) > ZoneBytesMax || len(s.Currency) != 3 {
			continue // these have no encoding
		}
		if again, err := DecodeSaleSpec(AppendSaleSpec(nil, &s)); c.taken != (err == nil) || again != s {
			t.Errorf("%s: %+v is read as %+v, %v", c.field, s, again, err)
		}
	}
}

// An encoded sale is as long as its parts say, and has no flags that nobody knows.
func TestSpecEncodingIsWhole(t *testing.T) {
	s := usualSpec()
	s.Test, s.BuysPerSecond = true, 7
	whole := AppendSaleSpec([]byte("before"), &s)[len("before"):]
	if again, err := DecodeSaleSpec(whole); err != nil || again != s {
		t.Errorf("%+v, %v", again, err)
	}
	for end := range len(whole) {
		if _, err := DecodeSaleSpec(whole[:end]); !errors.Is(err, ErrBadSpec) {
			t.Errorf("%d of %d bytes: %v", end, len(whole), err)
		}
	}
	flags, version := bytes.Clone(whole), bytes.Clone(whole)
	flags[1], version[0] = 4, SpecVersion+1
	if _, err := DecodeSaleSpec(flags); !errors.Is(err, ErrBadSpec) {
		t.Errorf("another flag: %v", err)
	}
	if _, err := DecodeSaleSpec(version); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
	if _, err := DecodeSaleSpec(append(whole, 0)); !errors.Is(err, ErrBadSpec) {
		t.Errorf("a byte more: %v", err)
	}
	for name, set := range map[string]func(*SaleSpec){
		"id": func(s *SaleSpec) { s.ID = strings.Repeat("a", SaleIDBytesMax+1) }, "currency": func(s *SaleSpec) { s.Currency = "EURO" },
		"item": func(s *SaleSpec) { s.Item = strings.Repeat("a", ItemBytesMax+1) },
	} {
		long := usualSpec()
		set(&long)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a sale with such a %s was encoded", name)
				}
			}()
			AppendSaleSpec(nil, &long)
		}()
	}
}

// sold is a state with a sale and one order.
func sold(t *testing.T) *State {
	t.Helper()
	s, d, spec := New(), new(Decisions), usualSpec()
	s.Apply(&Batch{Time: 1, Commands: []Command{{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)},
		{Kind: KindBuy, Sale: 1, Quantity: 1, User: []byte("ann")}}}, d)
	if s.OrderCount() != 1 {
		t.Fatalf("%+v", d.Results)
	}
	return s
}

// A reference that no buyer could give is none in a snapshot either, also where the
// checksums are right.
func TestReferencesOfASnapshot(t *testing.T) {
	for text, taken := range map[string]bool{"order 17": true, " ~": true, strings.Repeat("r", ReferenceBytesMax): true,
		"tab\t": false, "\x7f": false, strings.Repeat("r", ReferenceBytesMax+1): false} {
		s := sold(t)
		s.refer(0, []byte(text))
		var out bytes.Buffer
		if _, err := s.Snapshot().WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ReadSnapshot(bytes.NewReader(out.Bytes()))
		if taken != (err == nil) || !taken && !errors.Is(err, ErrSnapshotCorrupt) {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && string(again.reference(0)) != text {
			t.Errorf("%q is read as %q", text, again.reference(0))
		}
	}
}
