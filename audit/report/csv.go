package report

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// refusals are the reasons for which a buy can be refused, as columns.
func refusals() []string {
	codes := []sequencer.Code{
		sequencer.CodeSoldOut, sequencer.CodeNotEnough, sequencer.CodeCapExceeded, sequencer.CodeNotStarted, sequencer.CodePaused, sequencer.CodeClosed,
		sequencer.CodeBadRequest, sequencer.CodeKeyReused, sequencer.CodeOrderLimit, sequencer.CodeCoolingDown,
	}
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = code.String()
	}
	return names
}

// WriteJSON writes a sale's report and course as one JSON object.
func WriteJSON(w io.Writer, s *contract.SaleTimeline) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(s)
}

// WriteCSV writes the rows of a sale's course, those of before the opening first.
// Every column is there whatever happened.
func WriteCSV(w io.Writer, s *contract.SaleTimeline) error {
	out := csv.NewWriter(w)
	header := []string{"from_seconds", "seconds", "from_time", "batches", "requests", "replayed", "reserved", "waitlisted", "refused"}
	for _, reason := range refusals() {
		header = append(header, "refused_"+reason)
	}
	header = append(header, "promoted", "expired", "expired_tickets", "cancelled", "paid", "refunded",
		"payment_attempts", "payments_rejected", "payments_cancelled",
		"available_tickets", "held_tickets", "sold_tickets", "withheld_tickets", "waitlist_length")
	rows := [][]string{header}
	if before := s.Timeline.Before; before != nil {
		rows = append(rows, csvRow(s.Timeline.OpenedAt, before))
	}
	for i := range s.Timeline.Rows {
		rows = append(rows, csvRow(s.Timeline.OpenedAt, &s.Timeline.Rows[i]))
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}

func csvRow(opened time.Time, r *contract.TimelineRow) []string {
	row := []string{
		strconv.FormatInt(r.From, 10), strconv.FormatInt(r.Seconds, 10),
		opened.Add(time.Duration(r.From) * time.Second).Format(time.RFC3339Nano),
	}
	add := func(counts ...uint64) {
		for _, count := range counts {
			row = append(row, strconv.FormatUint(count, 10))
		}
	}
	add(r.Batches, r.Requests, r.Replayed, r.Reserved, r.Waitlisted, r.Refused)
	for _, reason := range refusals() {
		add(r.ByReason[reason])
	}
	add(r.Promoted, r.Expired, r.ExpiredTickets, r.Cancelled, r.Paid, r.Refunded, r.PaymentAttempts, r.PaymentsRejected, r.PaymentsCancelled,
		uint64(r.Available), uint64(r.Held), uint64(r.Sold), uint64(r.Withheld), uint64(r.Waitlist))
	return row
}
