package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"onsale/internal/plain"
)

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	_, err := io.WriteString(w, plain.Text(r.String()))
	return err
}

// String returns the report for people.
func (r *Report) String() string {
	var text strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&text, format+"\n", values...) }
	line("audit of %s: %s", r.Directory, r.headline())
	for _, note := range r.Notes {
		line("note: %s", note)
	}
	line("")
	line("blocks     %d, height %d to %d, raft index %d to %d", r.Blocks, r.FirstHeight, r.LastHeight, r.FirstRaftIndex, r.LastRaftIndex)
	line("head       %s", r.ChainHead)
	line("time       %s to %s", clock(r.FirstTime), clock(r.LastTime))
	line("requests   %d, seq %d to %d; %d events; %d users with orders", r.Requests, r.FirstSeq, r.LastSeq, r.Events, r.Buyers)
	line("checked    %d decisions decided again, %d not", r.Redecided, r.Unchecked)
	line("took       %.1f s, %.0f requests/s", r.Seconds, float64(r.Requests)/max(r.Seconds, 1e-9))
	r.writeTables(line)
	if r.FindingCount > 0 {
		line("\n%d findings, %d are listed:", r.FindingCount, len(r.Findings))
		for i := range r.Findings {
			line("  %s", r.Findings[i].String())
		}
	}
	return text.String()
}

func (r *Report) headline() string {
	switch r.Verdict {
	case VerdictClean:
		return "clean"
	case VerdictUnchecked:
		return "nothing wrong was found, but not everything could be checked"
	}
	return fmt.Sprintf("NOT CLEAN, %d findings", r.FindingCount)
}

func (r *Report) writeTables(line func(format string, values ...any)) {
	line("\n%-14s %-18s %-11s %12s", "request", "outcome", "state", "count")
	for _, row := range r.Outcomes {
		command := row.Command
		if row.Replayed {
			command += " again"
		}
		line("%-14s %-18s %-11s %12d", command, row.Code, row.State, row.Count)
	}
	for _, s := range r.Sales {
		line("\n%s", s.String())
	}
}

// String returns the sale's totals as a sentence.
func (s Sale) String() string {
	status := ""
	if s.Status != "" {
		status = " (" + s.Status + ")"
	}
	return fmt.Sprintf("sale %d %q%s: %d sold + %d held + %d withheld + %d available = %d tickets; "+
		"%d orders, %d waiting, %d buys refused as sold out, %d for too few left",
		s.Number, s.ID, status, s.Sold, s.Held, s.Withheld, s.Available, s.Quantity, s.Orders, s.Waiting, s.SoldOut, s.NotEnough)
}
