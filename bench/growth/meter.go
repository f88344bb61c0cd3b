package growth

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"

	"golang.org/x/sys/unix"

	"onsale/bench/result"
)

// cpuNanos returns the CPU time that this process has used, the collector's included.
func cpuNanos() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("getrusage of this process: %v", err)) // it has no way to fail
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// heapBytes returns how much memory is in use by what is reachable.
func heapBytes() float64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return float64(sample[0].Value.Uint64())
}

// meter collects the cost of one thing in several windows; the median of them counts, so
// that a window that was disturbed does not.
type meter struct{ nanos []float64 }

// time runs fn, which does so many things.
func (m *meter) time(things int, fn func()) {
	before := cpuNanos()
	fn()
	m.nanos = append(m.nanos, float64(cpuNanos()-before)/float64(things))
}

// each returns the nanoseconds of one thing; at least a tenth of one, so that it can be
// shown on a logarithmic axis.
func (m *meter) each() float64 { return max(0.1, result.Median(m.nanos)) }

// lines gathers the points of a curve's series by name, in the order of their first
// points.
type lines struct {
	names  []string
	points map[string][]result.Point
}

func (l *lines) add(name string, x, y float64) {
	if !slices.Contains(l.names, name) {
		l.names = append(l.names, name)
	}
	if l.points == nil {
		l.points = map[string][]result.Point{}
	}
	l.points[name] = append(l.points[name], result.Point{X: x, Y: y})
}

func (l *lines) series() (series []result.Series) {
	for _, name := range l.names {
		series = append(series, result.Series{Name: name, Points: l.points[name]})
	}
	return series
}
