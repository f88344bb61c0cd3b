package sqldb

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/audit/export"
	"onsale/internal/metric"
)

// Watch is where an export is, for its metrics and checks. All methods are safe for concurrent use.
type Watch struct {
	mu       sync.Mutex
	position export.Position // of the last transaction
	rows     map[string]uint64
	ended    bool // every block that there was when it was looked is written
	began    time.Time
	seconds  metric.Times
}

// NewWatch returns one of an export that begins now.
func NewWatch(now time.Time) *Watch { return &Watch{began: now, rows: map[string]uint64{}} }

// Lag returns how old what was written last is while there is more in the journal, by this machine's
// clock and the log's time; 0 when all was written.
func (w *Watch) Lag(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.position.At
	switch {
	case w.ended:
		return 0
	case at.IsZero():
		at = w.began
	}
	return max(now.Sub(at), 0)
}

// Collector shows it; docs/metrics.md has each metric.
func (w *Watch) Collector() prometheus.Collector {
	s := new(metric.Set)
	s.Gauge("onsale_export_height", "Height of the last block that is written.", func() float64 { return float64(w.at().Head.Height) })
	s.Gauge("onsale_export_seq", "Last decision that is written.", func() float64 { return float64(w.at().Seq) })
	s.Gauge("onsale_export_lag_seconds", "Age of what was written last, while the journal has more; 0 when it has not.",
		func() float64 { return w.Lag(time.Now()).Seconds() })
	s.Counters("onsale_export_rows_total", "Rows written, by table.", []string{"table"}, func(show metric.Show) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, t := range export.Tables() {
			show(float64(w.rows[t.Name]), t.Name)
		}
	})
	s.Times("onsale_export_transaction_seconds", "How long a transaction took.", &w.seconds)
	return s
}

func (w *Watch) at() export.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.position
}

// found is what was written by exporters before.
func (w *Watch) found(position export.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.position = position
}

// read says that there is a block which may not be written yet.
func (w *Watch) read() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = false
}

func (w *Watch) wrote(rows *export.Rows, took time.Duration) {
	w.seconds.Observe(took)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.position = rows.Position
	for _, t := range export.Tables() {
		w.rows[t.Name] += uint64(len(rows.Of(t)))
	}
}

// end says that every block is written.
func (w *Watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}
