package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"onsale/api/contract"
	"onsale/audit/report/page"
	"onsale/internal/amount"
)

var (
	//go:embed assets/page.html
	pageTemplate string
	//go:embed assets/page.js
	pageScript template.JS
)

// firstSeconds is for how long the first chart goes, which shows the rush alone.
const firstSeconds = 30

// content is what the template shows.
type content struct {
	*contract.SaleTimeline
	First    int // firstSeconds
	Facts    []fact
	Outcomes []outcome
	Lines    []line
	// HasLater says that there are rows after the opening minutes, HasWaitlist that
	// anybody ever waited.
	HasLater, HasWaitlist bool
	// HasOpening says that there are rows after those of the first chart.
	HasOpening bool
	// HasEnds says that any order was paid or ended.
	HasEnds bool
}

// fact is one number at the head of the page.
type fact struct{ Name, Value, Note string }

// outcome is how many buys came to an end of one kind.
type outcome struct {
	Name    string
	Count   uint64
	Percent float64 // of all requests
}

// WriteHTML writes a sale's report as one page that stands for itself.
func WriteHTML(w io.Writer, s *contract.SaleTimeline) error {
	p := page.Page{
		Title: s.Item + ": sale report", Body: pageTemplate, Functions: functions, Content: contentOf(s),
		Data: s, Script: pageScript,
	}
	return p.Write(w)
}

// functions are what the template calls.
var functions = template.FuncMap{
	"number": numberOf, "money": amount.Money, "time": spellTime, "soldOut": soldOut,
	"percent": func(p float64) string { return fmt.Sprintf("%.1f", p) },
	"ms":      func(ms float64) string { return fmt.Sprintf("%.2f", ms) },
}

func contentOf(s *contract.SaleTimeline) *content {
	return &content{
		SaleTimeline: s, First: firstSeconds, Facts: facts(s), Outcomes: outcomes(&s.Requests), Lines: lines(&s.Timeline),
		HasLater: len(s.Timeline.Rows) > OpeningSeconds, HasOpening: len(s.Timeline.Rows) > firstSeconds, HasWaitlist: s.Waitlist.Entered > 0,
		HasEnds: s.Orders.Paid+s.Orders.Expired+s.Orders.Cancelled > 0,
	}
}

func numberOf(n any) string {
	switch v := n.(type) {
	case uint64:
		return amount.Number(v)
	case uint32:
		return amount.Number(v)
	case int64:
		return amount.Number(v)
	}
	return fmt.Sprint(n)
}

func spellTime(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") }

// facts are what a seller asks first.
func facts(s *contract.SaleTimeline) []fact {
	k := &s.Tickets
	list := []fact{
		{"Tickets sold", amount.Number(k.Sold), fmt.Sprintf("of %s; %s held, %s available", amount.Number(k.Quantity), amount.Number(k.Held), amount.Number(k.Available))},
		{"Money kept", amount.Money(s.Money.Net, s.Money.Currency), fmt.Sprintf("at %s a ticket", amount.Money(s.Money.Price, s.Money.Currency))},
		{"Requests to buy", amount.Number(s.Requests.Total), fmt.Sprintf("%s made an order", amount.Number(s.Requests.Accepted))},
		{"Busiest second", amount.Number(s.Timeline.PeakRequests), "requests in one second"},
		{"Sold out", soldOut(&s.Timeline), "from the opening until no ticket was available"},
	}
	if s.Waitlist.Entered > 0 {
		list = append(list, fact{"Waiting", amount.Number(s.Waitlist.Waiting), fmt.Sprintf("of %s who joined the waitlist", amount.Number(s.Waitlist.Entered))})
	}
	if l := s.Latency; l != nil {
		list = append(list, fact{"Answered within", fmt.Sprintf("%.1f ms", l.P99), "99 of 100 buys at this node"})
	}
	return list
}

// outcomes are what became of the buys, most first among the refused.
func outcomes(r *contract.ReportRequests) []outcome {
	var refused []outcome
	for reason, count := range r.ByReason {
		if count == 0 {
			continue
		}
		refused = append(refused, outcome{Name: reason, Count: count})
	}
	slices.SortFunc(refused, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	list := append([]outcome{{Name: "made an order", Count: r.Accepted}}, refused...)
	for i := range list {
		list[i].Percent = 100 * float64(list[i].Count) / max(1, float64(r.Total))
	}
	return list
}
