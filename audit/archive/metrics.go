package archive

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
)

// Collector shows where the archiver is; docs/metrics.md has each metric.
func (a *Archiver) Collector() prometheus.Collector {
	s := new(metric.Set)
	s.Gauge("onsale_archive_height", "Height of the last block that is archived.", func() float64 { return float64(a.Status().Height) })
	s.Gauge("onsale_archive_journal_height", "Height of the last block that the archiver has read.", func() float64 { return float64(a.Status().Journal) })
	s.Gauge("onsale_archive_rows", "Segments in the archive.", func() float64 { return float64(a.Status().Rows) })
	s.Gauge("onsale_archive_seq", "Last decision that is archived.", func() float64 { return float64(a.Status().Seq) })
	s.Gauge("onsale_archive_waiting_seconds", "How long the oldest block waits that is read and not archived.", func() float64 {
		status := a.Status()
		return status.Waiting(time.Now()).Seconds()
	})
	s.Counter("onsale_archive_segments_total", "Segments that this archiver has put.", func() uint64 { return a.Status().Segments })
	s.Counter("onsale_archive_segment_bytes_total", "Bytes of those.", func() uint64 { return a.Status().Bytes })
	s.Counter("onsale_archive_store_failures_total", "Requests to the store that failed, after its own repetitions.", func() uint64 { return a.Status().Failures })
	s.Times("onsale_archive_put_seconds", "How long a segment took to be put, read back and noted.", &a.status.seconds)
	return s
}

// Waiting returns how long the oldest block waits that is read and not archived.
func (s *Status) Waiting(now time.Time) time.Duration {
	if s.Unstored.IsZero() {
		return 0
	}
	return max(now.Sub(s.Unstored), 0)
}

// Collector shows what became of snapshots; docs/metrics.md has each metric.
func (s *Snapshotter) Collector() prometheus.Collector {
	set := new(metric.Set)
	set.Counter("onsale_archive_snapshots_total", "Snapshots that this archiver has put.", s.put.Load)
	set.Counter("onsale_archive_snapshot_failures_total", "Snapshots that were due and could not be put.", s.failures.Load)
	return set
}
