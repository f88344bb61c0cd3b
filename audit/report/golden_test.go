package report

import (
	"bytes"
	"io"
	"testing"

	"onsale/api/contract"
	"onsale/proof/golden"
)

// example is a sale in which everything happens, as a node would tell it.
func example(t testing.TB) *contract.SaleTimeline {
	told := mustRun(t, record(t, tell(584, 260)), Options{})
	told.Latency = &contract.ReportLatency{
		Buys: 1000, P50: 1.25, P90: 3.5, P99: 12, P999: 44.03, Max: 51.2,
		Buckets: []contract.LatencyBucket{{UpTo: 1, Buys: 300}, {UpTo: 2.5, Buys: 540}, {UpTo: 50, Buys: 159}, {UpTo: 51.2, Buys: 1}},
	}
	return told
}

// What programs and people read keeps its form.
func TestGolden(t *testing.T) {
	told := example(t)
	broken := *told
	broken.Timeline.Mismatch = []contract.Mismatch{{Field: "tickets.sold", Journal: "7", Replica: "8"}}
	for name, write := range map[string]func(io.Writer) error{
		"report.json":  func(w io.Writer) error { return WriteJSON(w, told) },
		"report.csv":   func(w io.Writer) error { return WriteCSV(w, told) },
		"report.txt":   func(w io.Writer) error { return WriteText(w, told) },
		"mismatch.txt": func(w io.Writer) error { return WriteText(w, &broken) },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name, got.Bytes())
	}
}

// People's lines leave nothing out and are few, however long the sale.
func TestLines(t *testing.T) {
	for _, rows := range []int{0, 1, 9, 11, 59, 61, 299, 300, 301, 312, RowsMax} {
		var told contract.Timeline
		for i := range rows {
			from, seconds := int64(i), int64(1)
			if i >= OpeningSeconds {
				from, seconds = OpeningSeconds+int64(i-OpeningSeconds)*120, 120
			}
			told.Rows = append(told.Rows, contract.TimelineRow{From: from, Seconds: seconds, Requests: 2, Refused: 1, Sold: uint32(i + 1)})
		}
		list, end, requests := lines(&told), int64(0), uint64(0)
		for _, l := range list {
			if l.From != end {
				t.Fatalf("%d rows: a line begins at %d, the one before it ends at %d", rows, l.From, end)
			}
			end, requests = l.From+l.Seconds, requests+l.Requests
		}
		if requests != uint64(2*rows) || len(list) > 32 || rows > 0 && list[len(list)-1].Sold != uint32(rows) {
			t.Errorf("%d rows: %d lines with %d requests", rows, len(list), requests)
		}
	}
	for want, at := range map[string][2]int64{"9–10 s": {9, 10}, "1–2 min": {60, 120}, "0:00:50–0:01:05": {50, 65}, "1:55:00–2:05:00": {6900, 7500}} {
		if got := span(at[0], at[1]); got != want {
			t.Errorf("%v is %q, want %q", at, got, want)
		}
	}
}
