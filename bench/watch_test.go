package bench

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/audit/report/page/pagetest"
)

func TestWatchOptions(t *testing.T) {
	for what, change := range map[string]func(*WatchOptions){
		"no node":        func(o *WatchOptions) { o.Nodes = 0 },
		"no front-end":   func(o *WatchOptions) { o.FrontEnds = 0 },
		"too often":      func(o *WatchOptions) { o.Every = time.Millisecond },
		"too many looks": func(o *WatchOptions) { o.For = 10_000 * time.Hour },
		"too fast":       func(o *WatchOptions) { o.Rate = rateMax + 1 },
		"no ticket":      func(o *WatchOptions) { o.Tickets = 0 },
		"no hold":        func(o *WatchOptions) { o.Hold = 0 },
	} {
		o := DefaultWatchOptions()
		if change(&o); !errors.Is(o.Validate(), ErrOptions) {
			t.Errorf("%s: %v", what, o.Validate())
		}
	}
	if o := DefaultWatchOptions(); o.Validate() != nil {
		t.Error(o.Validate())
	}
}

func TestCourseOf(t *testing.T) {
	if got := courseOf(nil); got != (Course{}) {
		t.Errorf("of nothing: %+v", got)
	}
	if got, want := courseOf([]float64{7}), (Course{7, 7, 7, 7}); got != want {
		t.Errorf("of one: %+v", got)
	}
	if got, want := courseOf([]float64{1, 9, 3, 3, 4, 4, 5, 6}), (Course{1, 3, 6, 9}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// watched is a report of two nodes, of which one did not answer once, and a front-end.
func watched() *WatchReport {
	c := &cluster{nodes: []*node{{id: "n1"}, {id: "n2"}}, frontEnds: []*node{{id: "f1"}}}
	o := DefaultWatchOptions()
	o.Nodes, o.Rate = 2, 10
	w := &watcher{options: &o, cluster: c, missed: map[string]int{"n2": 1}, before: map[string]raftAlarms{}, pressed: &WatchLoad{}}
	for i := range 9 {
		at := float64(i)
		l := Look{Seconds: 5 * at, LoadAverage: 2, Decided: uint64(50 * i), Processes: map[string]map[string]float64{
			"n1": {"files": 20 + at, "goroutines": 50, "resident_bytes": 1 << 26, "cpu_seconds": at, "term": 2, "elections_won": 1},
			"n2": {"files": 20, "goroutines": 40, "resident_bytes": 1 << 25, "cpu_seconds": at / 10, "term": 2},
			"f1": {"files": 10, "goroutines": 30, "resident_bytes": 1 << 24}}}
		if i == 4 {
			delete(l.Processes, "n2")
		}
		if i > 5 {
			l.Processes["n2"] = map[string]float64{"files": 20, "goroutines": 40, "cpu_seconds": at / 10, "term": 4, "elections_won": 1}
		}
		w.looks = append(w.looks, l)
	}
	return w.report()
}

func TestWatchReport(t *testing.T) {
	r := watched()
	if r.Elections != 1 || r.Terms != 2 || r.Seconds != 40 || r.Processes["n2"].Missed != 1 {
		t.Errorf("%d elections, %d terms, %v s, %d missed", r.Elections, r.Terms, r.Seconds, r.Processes["n2"].Missed)
	}
	if n1 := r.Processes["n1"]; n1.CPUPercent != 20 || n1.Courses["files"] != (Course{20, 23, 27, 28}) {
		t.Errorf("%+v", n1)
	}
	var text strings.Builder
	r.Print(&text)
	for _, want := range []string{"1 won", "2 terms", "n1", "f1", "64"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	r.Audits = []AuditReport{{Node: "n1", Verdict: "broken"}}
	if !errors.Is(r.Exact(), errInexact) {
		t.Error("a broken audit is exact")
	}
}

// charts of the page: one is of buys, and missing without them.
var watchCharts = []string{"decided", "term", "files", "goroutines", "resident_bytes", "cpu", "load"}

func TestWatchPage(t *testing.T) {
	r := watched()
	var text strings.Builder
	if err := r.WriteHTML(&text); err != nil {
		t.Fatal(err)
	}
	pagetest.StandsForItself(t, text.String())
	for _, chart := range watchCharts {
		if !strings.Contains(text.String(), `data-chart="`+chart+`"`) {
			t.Errorf("no chart %s", chart)
		}
	}
	t.Run("drawn", func(t *testing.T) { pagetest.IsDrawn(t, text.String(), len(watchCharts)) })
	r.Load = nil
	text.Reset()
	if err := r.WriteHTML(&text); err != nil || slices.ContainsFunc(watchCharts[:1], func(c string) bool { return strings.Contains(text.String(), `data-chart="`+c+`"`) }) {
		t.Errorf("an idle cluster has a chart of buys; %v", err)
	}
}
