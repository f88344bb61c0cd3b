package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"onsale/api/contract"
	"onsale/internal/amount"
	"onsale/internal/plain"
)

// Totals are a report's numbers as rows of a name and a value; money spells amounts.
func Totals(r *contract.Report, money func(minor int64, currency string) string) [][]string {
	price := func(name string, minor int64) []string { return []string{name, money(minor, r.Money.Currency)} }
	t, m, o, w := &r.Tickets, &r.Money, &r.Orders, &r.Waitlist
	rows := [][]string{{"sale", r.Sale}, {"item", r.Item}, {"status", r.Status}, total("requests", r.Requests.Total), total("accepted", r.Requests.Accepted), total("refused", r.Requests.Refused)}
	for _, reason := range slices.Sorted(maps.Keys(r.Requests.ByReason)) {
		rows = append(rows, total("refused."+reason, r.Requests.ByReason[reason]))
	}
	rows = append(rows, total("replayed", r.Requests.Replayed),
		total("quantity", t.Quantity), total("sold", t.Sold), total("held", t.Held), total("withheld", t.Withheld), total("available", t.Available), total("expired", t.Expired),
		[]string{"money.currency", m.Currency}, price("money.price", m.Price), price("money.gross", m.Gross), price("money.refunded", m.Refunded), price("money.net", m.Net),
		total("orders.reserved", o.Reserved), total("orders.paid", o.Paid), total("orders.expired", o.Expired), total("orders.cancelled", o.Cancelled), total("orders.refunded", o.Refunded),
		total("waitlist.entered", w.Entered), total("waitlist.waiting", w.Waiting), total("waitlist.served_seq", w.ServedSeq), total("waitlist.promote_blocked", w.Blocked))
	if l := r.Latency; l != nil {
		rows = append(rows, []string{"latency_ms", fmt.Sprintf("p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, max %.2f of %d buys that this node answered", l.P50, l.P90, l.P99, l.P999, l.Max, l.Buys)})
	}
	return append(rows, total("as_of_seq", r.AsOfSeq), []string{"as_of_time", r.AsOfTime.Format(time.RFC3339Nano)})
}

func total[N uint32 | uint64 | int64](name string, n N) []string {
	return []string{name, fmt.Sprint(n)}
}

// WriteText writes a sale's report as tables for a terminal.
func WriteText(w io.Writer, s *contract.SaleTimeline) error {
	totals := newTable("what", "value")
	for _, row := range Totals(&s.Report, amount.Money) {
		totals.AppendRow(table.Row{row[0], row[1]})
	}
	t := &s.Timeline
	totals.AppendRows([]table.Row{
		{"opened_at", t.OpenedAt.Format(time.RFC3339Nano)}, {"sold_out", soldOut(t)}, {"peak_requests", fmt.Sprintf("%d in one second", t.PeakRequests)},
		{"busiest_seconds", spellBusiest(t.Busiest[:min(len(t.Busiest), busiestShown)])},
		{"batches", fmt.Sprint(t.Batches)}, {"journal", fmt.Sprintf("%d blocks, chain head %s", t.Blocks, t.ChainHead)},
	})
	for _, m := range t.Mismatch {
		totals.AppendRow(table.Row{"mismatch", inCurrency(m, s.Money.Currency).String()})
	}
	_, err := io.WriteString(w, plain.Text(totals.Render()+"\n"+courseTable(t).Render()+"\n"))
	return err
}

// busiestShown is how many of the busiest seconds people are told.
const busiestShown = 5

// spellBusiest spells seconds in one line: 9,120 at 0:00, 411 at 7:03.
func spellBusiest(seconds []contract.BusySecond) string {
	var words []string
	for _, b := range seconds {
		sign, at := "", b.From
		if at < 0 {
			sign, at = "-", -at
		}
		words = append(words, fmt.Sprintf("%s at %s%d:%02d", amount.Number(b.Requests), sign, at/60, at%60))
	}
	return cmp.Or(strings.Join(words, ", "), "none")
}

// inCurrency is a mismatch whose sums of money, if it is about some, are spelled for people.
func inCurrency(m contract.Mismatch, code string) contract.Mismatch {
	if !strings.HasPrefix(m.Field, "money.") {
		return m
	}
	for _, text := range []*string{&m.Journal, &m.Replica} {
		if minor, err := strconv.ParseInt(*text, 10, 64); err == nil {
			*text = amount.Money(minor, code)
		}
	}
	return m
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
