package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"onsale/proof/golden"
)

// exampleLoad is a run in which everything happens.
func exampleLoad(t *testing.T) *LoadReport {
	o := DefaultLoadOptions()
	o.Addresses, o.Sale, o.First, o.Rate, o.Duration, o.WarmUp = []string{"10.0.0.1:8101", "10.0.0.2:8101"}, "arena", 1000, 500, 5*time.Second, time.Second
	l := &load{rate: o.Rate, warmUp: o.WarmUp, tolerant: true, course: newCourse(4 * time.Second), started: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	tallies := make([]tally, 2)
	for i := range tallies {
		tallies[i].phases = [2]*phase{newPhase(), newPhase()}
	}
	for i := range 2000 {
		selling, latency := i < 400, time.Duration(i%100+1)*time.Millisecond
		at := l.warmUp + time.Duration(i)*2*time.Millisecond
		p := tallies[i%2].phases[map[bool]int{true: 0, false: 1}[selling]]
		if i%500 == 499 {
			p.failures["503 overloaded"]++
			l.course.failed(at - l.warmUp)
			continue
		}
		p.outcomes[map[bool]string{true: "reserved", false: soldOutReason}[selling]]++
		record(p.latency, latency)
		l.course.decided(at-l.warmUp, latency)
	}
	tallies[0].warm = 500
	l.answered.Store(2500)
	l.soldOut.Store(int64(1800 * time.Millisecond))
	m := &measured{lag: newPhase().latency, sent: 2500 * 450, received: 2500 * 250}
	for i := range 100 {
		record(m.lag, time.Duration(i)*10*time.Microsecond)
	}
	m.gather(tallies)
	m.elapsed = l.elapsed(5 * time.Second)
	r := newLoadReport(&o, l, m, 25*time.Millisecond)
	r.Machine = "linux/amd64, 2 cores" // of the golden files
	return r
}

// What programs and people read keeps its form.
func TestLoadGolden(t *testing.T) {
	r := exampleLoad(t)
	for name, write := range map[string]func(io.Writer) error{
		"load.txt": func(w io.Writer) error { r.Print(w); return nil },
		"load.csv": func(w io.Writer) error {
			header, rows := r.Rows()
			for _, row := range append([][]string{header}, rows...) {
				for _, cell := range row {
					io.WriteString(w, cell+",")
				}
				io.WriteString(w, "\n")
			}
			return nil
		},
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
	dir := t.TempDir()
	names, err := r.WriteHDR(filepath.Join(dir, "out.hgrm"))
	if err != nil || len(names) != 2 || filepath.Base(names[0]) != "out-selling.hgrm" || filepath.Base(names[1]) != "out-sold-out.hgrm" {
		t.Fatalf("%v, %v", names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "load-selling.hgrm", text)
}

// A long run has longer rows, never more of them.
func TestCourseIsBounded(t *testing.T) {
	c := newCourse(24 * time.Hour)
	c.decided(30*time.Hour, time.Millisecond)
	c.failed(-time.Second)
	rows := c.report(24*time.Hour + time.Minute)
	if len(rows) != courseRowsMax || rows[0].Failed != 1 || rows[courseRowsMax-1].Decided != 1 || rows[0].Seconds != 144 {
		t.Errorf("%d rows, %+v", len(rows), rows[0])
	}
}
