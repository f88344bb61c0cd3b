package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"onsale/proof/golden"
)

// exampleLoad is a run in which everything happens.
func exampleLoad(t *testing.T) *LoadReport {
	o := DefaultLoadOptions()
	o.Addresses, o.Sale, o.First = []string{"10.0.0.1:8101", "10.0.0.2:8101"}, "arena", 1000
	o.Rate, o.Duration, o.WarmUp = 500, 5*time.Second, time.Second
	l := &load{LoadOptions: o, started: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	tallies := []tally{newTally(), newTally()}
	for i := range 2000 {
		selling, latency := i < 400, time.Duration(i%100+1)*time.Millisecond
		tally := &tallies[i%2]
		second := tally.second(time.Duration(i) * 2 * time.Millisecond)
		p := tally.phases[map[bool]int{true: 0, false: 1}[selling]]
		if i%500 == 499 {
			p.Failures["503 overloaded"]++
			second.Failed++
			continue
		}
		p.Outcomes[map[bool]string{true: "reserved", false: soldOutReason}[selling]]++
		record(p.latency, latency)
		second.Decided++
	}
	l.answered.Store(2500)
	l.soldOut.Store(int64(1800 * time.Millisecond))
	m := &measured{tally: newTally(), elapsed: l.elapsed(5 * time.Second)}
	for i := range tallies {
		m.merge(&tallies[i])
	}
	m.warm, m.sent, m.received = 500, 2500*450, 2500*250
	for i := range 100 {
		record(m.lag, time.Duration(i)*10*time.Microsecond)
	}
	r := newLoadReport(l, m, 25*time.Millisecond)
	r.Machine = "linux/amd64, 2 cores" // of the golden files
	return r
}

// What programs and people read keeps its form.
func TestLoadGolden(t *testing.T) {
	r := exampleLoad(t)
	for name, write := range map[string]func(io.Writer) error{
		"load.txt": func(w io.Writer) error { r.Print(w); return nil },
		"load.json": func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", " ")
			return encoder.Encode(r)
		},
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name, got.Bytes())
	}
}

// What comes after the last second is in it.
func TestCourseIsBounded(t *testing.T) {
	m := &measured{tally: newTally(), elapsed: [2]time.Duration{30 * time.Hour, 0}}
	m.second(30*time.Hour).Decided++
	m.second(-time.Second).Failed++
	rows := m.seconds()
	if last := rows[courseMax-1]; len(rows) != courseMax || rows[0].Failed != 1 || last.Decided != 1 || last.Seconds != 6*3600+1 {
		t.Errorf("%d rows, %+v, %+v", len(rows), rows[0], last)
	}
}
