package payment

import (
	"errors"
	"strings"
	"testing"

	"onsale/sequencer"
)

// A charge is another one as soon as anything of it differs; it is another buyer's when
// its order, its birth or its buyer is another one, and not for its amount or key.
func TestWhoseAChargeIs(t *testing.T) {
	is := Charge{Key: "key", Order: "order", Birth: "birth", Buyer: "buyer", Amount: 5, Currency: "EUR"}
	if err := is.Conflict(&is); err != nil || is.isAnothers(&is) {
		t.Errorf("itself: %v, another's: %t", err, is.isAnothers(&is))
	}
	for what, c := range map[string]struct {
		change   func(*Charge)
		anothers bool
	}{
		"key": {func(c *Charge) { c.Key = "x" }, false}, "order": {func(c *Charge) { c.Order = "x" }, true},
		"birth": {func(c *Charge) { c.Birth = "x" }, true}, "buyer": {func(c *Charge) { c.Buyer = "x" }, true},
		"amount": {func(c *Charge) { c.Amount = 6 }, false}, "amount ": {func(c *Charge) { c.Currency = "USD" }, false},
	} {
		found := is
		c.change(&found)
		err := is.Conflict(&found)
		if !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "its "+strings.TrimSpace(what)+" is ") || strings.Count(err.Error(), ", ours ") != 1 {
			t.Errorf("another %s: %v", what, err)
		}
		if got := is.isAnothers(&found); got != c.anothers {
			t.Errorf("another %s is another's: %t", what, got)
		}
	}
}

// A buyer's digest is that of one user in one birth.
func TestBuyerDigest(t *testing.T) {
	birth := sequencer.ClusterID{1}
	seen := map[string]bool{}
	for _, digest := range []string{BuyerDigest(birth, "ann"), BuyerDigest(birth, "bob"), BuyerDigest(sequencer.ClusterID{2}, "ann"), BuyerDigest(birth, "")} {
		if seen[digest] || len(digest) != 32 {
			t.Errorf("%q", digest)
		}
		seen[digest] = true
	}
	if again := BuyerDigest(birth, "ann"); again != BuyerDigest(birth, strings.Clone("ann")) {
		t.Error("a digest is another one the second time")
	}
}
