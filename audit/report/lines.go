package report

import (
	"fmt"
	"time"

	"onsale/api/contract"
)

// line is some rows of a timeline as one, for people: the first seconds one by
// one, then ten at a time, then minutes, then what is left in equal parts.
type line struct {
	contract.TimelineRow
	Span string // "0–1 s"
}

// The lines of a timeline.
const (
	linesOfASecond = 10
	linesLaterMax  = 12
)

// lines makes at most about thirty lines of the rows. Requests of before the
// opening come first.
func lines(t *contract.Timeline) []line {
	var list []line
	if t.Before != nil {
		list = append(list, line{*t.Before, "before"})
	}
	later := len(t.Rows) - min(len(t.Rows), OpeningSeconds)
	each := max(1, (later+linesLaterMax-1)/linesLaterMax)
	for from := 0; from < len(t.Rows); {
		to := from + each
		switch {
		case from < linesOfASecond:
			to = from + 1
		case from < 60:
			to = from - from%10 + 10
		case from < OpeningSeconds:
			to = min(from-from%60+60, OpeningSeconds)
		}
		to = min(to, len(t.Rows))
		list = append(list, join(t.Rows[from:to]))
		from = to
	}
	return list
}

// join makes one line of rows that follow each other.
func join(rows []contract.TimelineRow) line {
	l := line{TimelineRow: rows[len(rows)-1]} // its levels are those of the end
	l.From, l.ByReason = rows[0].From, nil
	for i := range rows[:len(rows)-1] {
		r := &rows[i]
		for _, sum := range []struct {
			to   *uint64
			more uint64
		}{
			{&l.Batches, r.Batches}, {&l.Requests, r.Requests}, {&l.Replayed, r.Replayed}, {&l.Reserved, r.Reserved}, {&l.Waitlisted, r.Waitlisted},
			{&l.Refused, r.Refused}, {&l.Promoted, r.Promoted}, {&l.Expired, r.Expired}, {&l.ExpiredTickets, r.ExpiredTickets},
			{&l.Cancelled, r.Cancelled}, {&l.Paid, r.Paid}, {&l.Refunded, r.Refunded}, {&l.PaymentAttempts, r.PaymentAttempts},
			{&l.PaymentsRejected, r.PaymentsRejected}, {&l.PaymentsCancelled, r.PaymentsCancelled},
		} {
			*sum.to += sum.more
		}
		l.Seconds += r.Seconds
	}
	l.Span = span(l.From, l.From+l.Seconds)
	return l
}

// span spells when a line is, after the opening.
func span(from, to int64) string {
	switch {
	case to <= 60:
		return fmt.Sprintf("%d–%d s", from, to)
	case from%60 == 0 && to%60 == 0 && to <= 2*3600:
		return fmt.Sprintf("%d–%d min", from/60, to/60)
	}
	return clock(from) + "–" + clock(to)
}

// clock spells a length of time as hours, minutes and seconds.
func clock(seconds int64) string {
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

// soldOut spells how long the first tickets lasted.
func soldOut(t *contract.Timeline) string {
	if t.SoldOutSeconds == nil {
		return "not sold out"
	}
	after := time.Duration(*t.SoldOutSeconds * float64(time.Second))
	if after >= time.Minute {
		return "after " + after.Round(time.Second).String()
	}
	return fmt.Sprintf("after %.2f s", after.Seconds())
}
