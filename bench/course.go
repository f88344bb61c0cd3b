package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// courseRowsMax bounds the rows of a course; a long run has longer rows.
const courseRowsMax = 600

// course is what happened in each interval of a run, by when the answers came.
type course struct {
	step time.Duration

	mu   sync.Mutex
	rows []courseRow
}

type courseRow struct {
	failed  uint64
	latency *hdrhistogram.Histogram // of the decided, microseconds, two digits
}

// newCourse makes room for a run and the time-out of its last request.
func newCourse(duration time.Duration) *course {
	step := max(time.Second, (duration+courseRowsMax-1)/courseRowsMax).Truncate(time.Millisecond)
	return &course{step: step}
}

// row returns the row of an instant; what comes after the last one is in the last one.
func (c *course) row(at time.Duration) *courseRow {
	i := min(courseRowsMax-1, int(max(0, at)/c.step))
	for len(c.rows) <= i {
		c.rows = append(c.rows, courseRow{latency: hdrhistogram.New(1, latencyMax, 2)})
	}
	return &c.rows[i]
}

func (c *course) decided(at, latency time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	record(c.row(at).latency, latency)
}

func (c *course) failed(at time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.row(at).failed++
}

// CourseRow is one interval of a run. The last one may be shorter than the others.
type CourseRow struct {
	FromSeconds float64            `json:"from_seconds"` // after the warm-up
	Seconds     float64            `json:"seconds"`
	Decided     uint64             `json:"decided"`
	Failed      uint64             `json:"failed"`
	Rate        float64            `json:"decided_per_second"`
	Millis      map[string]float64 `json:"latency_ms"`
}

// report returns the rows of a run that took so long.
func (c *course) report(took time.Duration) []CourseRow {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows := make([]CourseRow, 0, len(c.rows))
	for i := range c.rows {
		from, row := time.Duration(i)*c.step, &c.rows[i]
		length := min(c.step, max(time.Millisecond, took-from))
		if i == len(c.rows)-1 {
			length = max(length, took-from)
		}
		decided := uint64(row.latency.TotalCount())
		rows = append(rows, CourseRow{FromSeconds: from.Seconds(), Seconds: length.Seconds(), Decided: decided, Failed: row.failed,
			Rate: float64(decided) / length.Seconds(), Millis: millis(row.latency)})
	}
	return rows
}
