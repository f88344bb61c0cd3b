package contract

import (
	"reflect"
	"time"

	"onsale/sequencer"
)

// ChangesMax bounds the changes of a sale that its history tells: the newest.
const ChangesMax = 1000

// PastChange is one command of a seller or an operator that a sale took.
type PastChange struct {
	Seq   uint64    `json:"seq"`
	At    time.Time `json:"at"`    // log time
	Verb  string    `json:"verb"`  // as onsale inspect journal names it: sale_pause
	Actor string    `json:"actor"` // whose token it was; "" when nobody said so
	// Before and After are the settings that the command changed, as a sale's details name
	// them; there is no before of a new sale. An extension of the holds is extended_by.
	Before map[string]any `json:"before"`
	After  map[string]any `json:"after"`
}

// Settings returns what a seller can set of a sale, with its status at a log time, under the
// names of SaleDetail; nothing of no sale.
func Settings(v *sequencer.SaleView, at int64) map[string]any {
	if v == nil {
		return map[string]any{}
	}
	return map[string]any{
		"status": v.Status(at).String(), "item": v.Item, "quantity": v.Quantity, "withheld": v.Withheld, "cap": v.Cap,
		"waitlist": v.Waitlist, "price": v.Price, "currency": v.Currency, "starts_at": Time(v.StartsAt), "zone": v.Zone,
		"hold": Duration(v.Hold), "promoted_hold": Duration(v.PromotedHold), "grace": Duration(v.Grace), "skip_unfit": v.SkipUnfit, "test": v.Test, "buys_per_second": v.BuysPerSecond, "pseudonym_key": v.PseudonymKey.String(),
		"expired_holds_max": v.ExpiredHoldsMax, "cool_down": Duration(v.CoolDown),
	}
}

// Difference returns what two settings do not have in common, as it was and as it is.
func Difference(before, after map[string]any) (was, is map[string]any) {
	was, is = map[string]any{}, map[string]any{}
	for name, value := range after {
		old, known := before[name]
		if known && reflect.DeepEqual(old, value) {
			continue
		}
		is[name] = value
		if known {
			was[name] = old
		}
	}
	return was, is
}
