package sequencer_test

import (
	"fmt"
	"strings"
	"time"

	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

func describeResult(r *sequencer.Result) string {
	text := fmt.Sprintf("#%d %s", r.Seq, r.Code)
	switch {
	case r.Order != 0:
		text += ": " + describeOrder(r.Order, r.Sale, r.State.String(), r.Quantity)
	case r.Sale != 0:
		text += fmt.Sprintf(": sale %d", r.Sale)
	case r.Quantity != 0:
		text += fmt.Sprintf(", %d left", r.Quantity)
	}
	if r.Position != 0 {
		text += fmt.Sprintf(", position %d", r.Position)
	}
	if r.Deadline != 0 {
		text += ", until " + scenario.FormatClock(r.Deadline)
	}
	if r.Attempt != 0 {
		text += fmt.Sprintf(", attempt %d", r.Attempt)
	}
	if r.Ticket != 0 {
		text += fmt.Sprintf(", tickets from %d", r.Ticket)
	}
	if r.Replayed {
		text += " (again)"
	}
	return text
}

func describeEvent(e *sequencer.Event) string {
	text := "event: " + describeOrder(e.Order, e.Sale, e.Kind.String(), e.Quantity)
	if e.Deadline != 0 {
		text += ", until " + scenario.FormatClock(e.Deadline)
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
			v.Status(v.AsOfTime), v.Cap, v.Waitlist, v.Price, v.Currency, scenario.FormatClock(v.StartsAt), time.Duration(v.Hold), time.Duration(v.Grace), v.SkipUnfit, v.ServedSeq)}
	if v.ChangedBy != "" || v.Zone != "" {
		lines = append(lines, fmt.Sprintf("sale %d: times of %q, changed by %q at #%d, %s", v.Number, v.Zone, v.ChangedBy, v.ChangedSeq, scenario.FormatClock(v.ChangedAt)))
	}
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

// describeTickets says which tickets an order has, and which it had.
func describeTickets(v *sequencer.OrderView) string {
	if len(v.Tickets) == 0 {
		return ""
	}
	text := ", tickets"
	for _, t := range v.Tickets {
		text += fmt.Sprintf(" %d", t.Number)
		switch {
		case t.Part != 0:
			text += fmt.Sprintf(" (revoked with part %d)", t.Part)
		case t.Revoked:
			text += " (revoked)"
		}
	}
	return text + fmt.Sprintf(" by #%d", v.PaidSeq)
}

func describeOrderView(v *sequencer.OrderView) string {
	text := fmt.Sprintf("%s of %s: %s (%s)", describeOrder(v.Seq, v.Sale, v.State.String(), v.Quantity), scenario.QuoteWord(v.User), v.UID(), v.State.Status())
	text += fmt.Sprintf(", asked for %d, at least %d, made %s", v.Requested, v.Min, scenario.FormatClock(v.CreatedAt))
	if v.Position != 0 {
		text += fmt.Sprintf(", position %d", v.Position)
	}
	if v.Deadline != 0 {
		text += ", until " + scenario.FormatClock(v.Deadline)
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
	if v.Bounced != 0 {
		text += fmt.Sprintf(", bounced %08b (%s)", v.Bounced, v.RefundReason)
	}
	if v.Failed != 0 {
		text += fmt.Sprintf(", failed %08b", v.Failed)
	}
	if v.Acknowledged != 0 {
		text += fmt.Sprintf(", acknowledged %08b", v.Acknowledged)
	}
	for i, part := range v.Parts {
		text += fmt.Sprintf(", part %d of %s %s", i+1, plural(int(part.Quantity), "ticket"), part.State)
		if part.Fails > 0 {
			text += fmt.Sprintf(" (%d failed, %s)", part.Fails, part.Reason)
		}
	}
	text += describeTickets(v)
	if v.Dispute.Status != sequencer.DisputeNone {
		text += fmt.Sprintf(", dispute %s of %d", v.Dispute.Status, v.Dispute.Amount)
		if v.Dispute.EvidenceBy != 0 {
			text += ", evidence by " + scenario.FormatClock(v.Dispute.EvidenceBy)
		}
	}
	if v.CaptureDue {
		text += ", capture due"
	}
	if v.Captured {
		text += ", captured"
	}
	if v.Reason != sequencer.ReasonNone {
		text += ", " + v.Reason.String()
	}
	if v.Overdue {
		text += ", overdue"
	}
	return text
}
