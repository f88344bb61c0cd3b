package main

import (
	"testing"

	"onsale/api/contract"
)

// A seller types what the clocks of the sale's zone show; both times are shown, a time that is
// none there is refused, and one that comes twice needs its offset.
func TestSaleInItsZone(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	create := func(code int, id, at string, more ...string) string {
		return o.sell(code, append([]string{"sale", "create", id, "--price", "0", "--quantity", "3", "--starts-at", at, "-o", "json"}, more...)...)
	}
	berlin := []string{"--zone", "Europe/Berlin"}
	sale := into[contract.SaleDetail](t, create(0, "gig", "2100-07-01T20:00", berlin...))
	if sale.Zone != "Europe/Berlin" || sale.StartsAtLocal != "2100-07-01T20:00:00+02:00" || sale.StartsAt.Format("15:04") != "18:00" {
		t.Errorf("%+v", sale)
	}
	sale = into[contract.SaleDetail](t, o.sell(0, "sale", "update", "gig", "--starts-at", "2100-01-05 20:00", "-o", "json"))
	if sale.StartsAtLocal != "2100-01-05T20:00:00+01:00" {
		t.Errorf("of the sale's own zone: %+v", sale)
	}
	sale = into[contract.SaleDetail](t, o.sell(0, "sale", "update", "gig", "--zone", "America/New_York", "-o", "json"))
	if sale.StartsAtLocal != "2100-01-05T14:00:00-05:00" {
		t.Errorf("a zone moves no start: %+v", sale)
	}

	has(t, create(2, "gap", "2100-03-28T02:30", berlin...), "no such time", "leave 2100-03-28T02:30 out")
	has(t, create(2, "fold", "2100-10-31T02:30", berlin...), "comes twice", "2100-10-31T02:30:00+02:00 or 2100-10-31T02:30:00+01:00")
	sale = into[contract.SaleDetail](t, create(0, "fold", "2100-10-31T02:30:00+01:00", berlin...))
	if sale.StartsAtLocal != "2100-10-31T02:30:00+01:00" {
		t.Errorf("%+v", sale)
	}
	has(t, create(2, "none", "2100-07-01T20:00"), "which zone?")
	has(t, create(2, "none", "2100-07-01T20:00", "--zone", "Europe/Nowhere"), "no such time zone")
	has(t, o.sell(1, "sale", "create", "none", "--price", "0", "--quantity", "3", "--zone", "Europe/Nowhere"), "no such time zone", "bad-request")
}
