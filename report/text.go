package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"onsale/api/contract"
)

// Totals are a report's numbers as rows of a name and a value.
func Totals(r *contract.Report) [][]string {
	rows := [][]string{
		{"sale", r.Sale}, {"item", r.Item}, {"status", r.Status},
		{"requests", fmt.Sprint(r.Requests.Total)}, {"accepted", fmt.Sprint(r.Requests.Accepted)}, {"refused", fmt.Sprint(r.Requests.Refused)},
		{"refused_by_reason", compact(r.Requests.ByReason)}, {"replayed", fmt.Sprint(r.Requests.Replayed)},
		{"quantity", fmt.Sprint(r.Tickets.Quantity)}, {"sold", fmt.Sprint(r.Tickets.Sold)}, {"held", fmt.Sprint(r.Tickets.Held)},
		{"withheld", fmt.Sprint(r.Tickets.Withheld)}, {"available", fmt.Sprint(r.Tickets.Available)}, {"expired", fmt.Sprint(r.Tickets.Expired)},
		{"money", compact(r.Money)}, {"orders", compact(r.Orders)}, {"waitlist", compact(r.Waitlist)},
	}
	if l := r.Latency; l != nil {
		rows = append(rows, []string{"latency_ms", fmt.Sprintf("p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, max %.2f of %d buys that this node answered", l.P50, l.P90, l.P99, l.P999, l.Max, l.Buys)})
	}
	return append(rows, []string{"as_of_seq", fmt.Sprint(r.AsOfSeq)}, []string{"as_of_time", r.AsOfTime.Format(time.RFC3339Nano)})
}

func compact(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil { // the contract's types can always be marshalled
		panic("report: cannot encode: " + err.Error())
	}
	return string(encoded)
}

// WriteText writes a sale's report as tables for a terminal.
func WriteText(w io.Writer, s *contract.SaleTimeline) error {
	totals := newTable("what", "value")
	for _, row := range Totals(&s.Report) {
		totals.AppendRow(table.Row{row[0], row[1]})
	}
	t := &s.Timeline
	totals.AppendRows([]table.Row{
		{"opened_at", t.OpenedAt.Format(time.RFC3339Nano)}, {"sold_out", soldOut(t)}, {"peak_requests", fmt.Sprintf("%d in one second", t.PeakRequests)},
		{"batches", fmt.Sprint(t.Batches)}, {"journal", fmt.Sprintf("%d blocks, chain head %s", t.Blocks, t.ChainHead)},
	})
	for _, m := range t.Mismatch {
		totals.AppendRow(table.Row{"mismatch", m.String()})
	}
	_, err := fmt.Fprintf(w, "%s\n%s\n", totals.Render(), courseTable(t).Render())
	return err
}

// courseTable is the course of a sale, a few rows in each line.
func courseTable(t *contract.Timeline) table.Writer {
	course := newTable("after the opening", "requests", "reserved", "waitlisted", "refused", "promoted", "expired", "cancelled", "paid", "available", "held", "sold", "waiting")
	var right []table.ColumnConfig
	for column := 2; column <= 13; column++ {
		right = append(right, table.ColumnConfig{Number: column, Align: text.AlignRight})
	}
	course.SetColumnConfigs(right)
	for _, l := range lines(t) {
		course.AppendRow(table.Row{l.Span, l.Requests, l.Reserved, l.Waitlisted, l.Refused, l.Promoted, l.Expired, l.Cancelled, l.Paid, l.Available, l.Held, l.Sold, l.Waitlist})
	}
	return course
}

func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault // as they are spelled in JSON and CSV
	t.AppendHeader(header)
	return t
}
