package sequencer_test

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"onsale/sequencer"
)

func describeResult(r *sequencer.Result) string {
	text := fmt.Sprintf("#%d %s", r.Seq, r.Code)
	switch {
	case r.Order != 0:
		text += ": " + describeOrder(r.Order, r.Sale, r.State.String(), r.Quantity)
	case r.Sale != 0:
		text += fmt.Sprintf(": sale %d", r.Sale)
	}
	if r.Position != 0 {
		text += fmt.Sprintf(", position %d", r.Position)
	}
	if r.Deadline != 0 {
		text += ", until " + formatClock(r.Deadline)
	}
	if r.Attempt != 0 {
		text += fmt.Sprintf(", attempt %d", r.Attempt)
	}
	if r.Replayed {
		text += " (again)"
	}
	return text
}

func describeEvent(e *sequencer.Event) string {
	text := "event: " + describeOrder(e.Order, e.Sale, e.Kind.String(), e.Quantity)
	if e.Deadline != 0 {
		text += ", until " + formatClock(e.Deadline)
	}
	return text
}

func describeOrder(seq uint64, sale uint16, state string, quantity uint8) string {
	return fmt.Sprintf("order #%d of sale %d %s, %s", seq, sale, state, plural(int(quantity), "ticket"))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func describeCounts(v *sequencer.SaleView) string {
	return fmt.Sprintf("sale %d: %d sold + %d held + %d withheld + %d available = %d, %d waiting",
		v.Number, v.Sold, v.Held, v.Withheld, v.Available, v.Quantity, v.Waiting)
}

// describeSale says what describeCounts does not.
func describeSale(v *sequencer.SaleView) []string {
	lines := []string{describeCounts(v),
		fmt.Sprintf("sale %d: %q %s, cap %d, waitlist %d, price %d %s, starts %s, hold %s, grace %s, skip unfit %t, served #%d", v.Number, v.ID,
			v.Status(v.AsOfTime), v.Cap, v.Waitlist, v.Price, v.Currency, formatClock(v.StartsAt), time.Duration(v.Hold), time.Duration(v.Grace), v.SkipUnfit, v.ServedSeq)}
	buys := []string{}
	for code, n := range v.Counters.Buys {
		if n > 0 {
			buys = append(buys, fmt.Sprintf("%d %s", n, sequencer.Code(code)))
		}
	}
	entered := []string{}
	for state, n := range v.Counters.Entered {
		if n > 0 {
			entered = append(entered, fmt.Sprintf("%d %s (%s)", n, sequencer.OrderState(state), plural(int(v.Counters.Tickets[state]), "ticket")))
		}
	}
	return append(lines,
		fmt.Sprintf("sale %d: buys %s; %d again; the waitlist's head blocked %s", v.Number, orNone(buys), v.Counters.Replayed, plural(int(v.Counters.PromoteBlocked), "time")),
		fmt.Sprintf("sale %d: entered %s", v.Number, orNone(entered)))
}

func orNone(parts []string) string {
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func describeOrderView(v *sequencer.OrderView) string {
	text := fmt.Sprintf("%s of %s: %s (%s)", describeOrder(v.Seq, v.Sale, v.State.String(), v.Quantity), quoteWord(v.User), v.UID(), v.State.Status())
	text += fmt.Sprintf(", asked for %d, at least %d, made %s", v.Requested, v.Min, formatClock(v.CreatedAt))
	if v.Position != 0 {
		text += fmt.Sprintf(", position %d", v.Position)
	}
	if v.Deadline != 0 {
		text += ", until " + formatClock(v.Deadline)
	}
	if v.Attempts != 0 {
		text += fmt.Sprintf(", %s", plural(int(v.Attempts), "attempt"))
	}
	if v.VoidsDue != 0 {
		text += fmt.Sprintf(", voids due %08b", v.VoidsDue)
	}
	if v.Voided != 0 {
		text += fmt.Sprintf(", voided %08b", v.Voided)
	}
	if v.CaptureDue {
		text += ", capture due"
	}
	if v.Reason != sequencer.ReasonNone {
		text += ", " + v.Reason.String()
	}
	if v.Overdue {
		text += ", overdue"
	}
	return text
}

// commandLine writes a command as a scenario line; keys names the keys of buys.
func commandLine(c *sequencer.Command, keys map[sequencer.KeyDigest]string) string {
	user := quoteWord(string(c.User))
	switch c.Kind {
	case sequencer.KindBuy:
		text := fmt.Sprintf("buy %s %d", user, c.Quantity)
		if c.Min != 0 {
			text += fmt.Sprintf(" min=%d", c.Min)
		}
		if c.Key != (sequencer.KeyDigest{}) {
			text += " key=" + quoteWord(keys[c.Key])
		}
		return text + fmt.Sprintf(" sale=%d", c.Sale)
	case sequencer.KindCancel:
		return fmt.Sprintf("cancel %s #%d", user, c.Order)
	case sequencer.KindPayBegin:
		return fmt.Sprintf("pay %s #%d %d", user, c.Order, c.Amount)
	case sequencer.KindPayResult:
		text := fmt.Sprintf("provider #%d %d %s", c.Order, c.Attempt, outcomeWord(c.Outcome))
		if c.Reason != sequencer.ReasonNone {
			text += fmt.Sprintf(" reason=%d", c.Reason)
		}
		return text
	case sequencer.KindPayCaptured:
		return fmt.Sprintf("captured #%d %d", c.Order, c.Attempt)
	case sequencer.KindPayVoided:
		return fmt.Sprintf("voided #%d %d", c.Order, c.Attempt)
	case sequencer.KindRefund:
		return fmt.Sprintf("refund #%d", c.Order)
	case sequencer.KindSalePause, sequencer.KindSaleResume, sequencer.KindSaleClose, sequencer.KindSaleCancel:
		return fmt.Sprintf("%s %d", verbOf(c.Kind), c.Sale)
	case sequencer.KindSaleQuantity, sequencer.KindSaleRelease:
		text := fmt.Sprintf("%s %d %d", verbOf(c.Kind), c.Sale, c.Amount)
		if c.Revision != 0 && c.Kind == sequencer.KindSaleQuantity {
			text += fmt.Sprintf(" revision=%d", c.Revision)
		}
		return text
	case sequencer.KindSessionOpen:
		return "session"
	case sequencer.KindForward:
		return fmt.Sprintf("forward #%d %d %d", c.Order, c.Amount, c.Count)
	case sequencer.KindExtend:
		return "extend " + time.Duration(c.Amount).String()
	}
	return rawLine(c)
}

// rawLine writes the rest as bytes, a readable sale spec beside them.
func rawLine(c *sequencer.Command) string {
	encoded := sequencer.AppendCommand(nil, c)
	if spec, err := sequencer.DecodeSaleSpec(c.Body); err == nil && c.Kind == sequencer.KindSaleCreate {
		return fmt.Sprintf("create %s item=%s quantity=%d cap=%d waitlist=%d price=%d currency=%s starts=%s hold=%s grace=%s skip-unfit=%s expired-holds=%d cool-down=%s",
			quoteWord(spec.ID), quoteWord(spec.Item), spec.Quantity, spec.Cap, spec.Waitlist, spec.Price, spec.Currency, formatClock(spec.StartsAt),
			time.Duration(spec.Hold), time.Duration(spec.Grace), map[bool]string{true: "yes", false: "no"}[spec.SkipUnfit],
			spec.ExpiredHoldsMax, time.Duration(spec.CoolDown))
	}
	return "raw " + hex.EncodeToString(encoded[2:])
}

func verbOf(kind sequencer.Kind) string {
	for verb, k := range saleVerbs {
		if k == kind {
			return verb
		}
	}
	return ""
}

func outcomeWord(o sequencer.PayOutcome) string {
	if o >= sequencer.PayAccepted && o <= sequencer.PayCancelled {
		return o.String()
	}
	return strconv.Itoa(int(o))
}

// quoteWord quotes a word that cutWord would not read back as it is.
func quoteWord(word string) string {
	for i := range len(word) {
		if c := word[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
			return strconv.Quote(word)
		}
	}
	if word == "" {
		return `""`
	}
	return word
}
