package auditlog

import "onsale/internal/metric"

// Publish adds the log's metrics to a set.
func (l *Log) Publish(s *metric.Set) {
	s.Counter("onsale_audit_log_lines_total", "Lines written to the audit log.", l.written.Load)
	s.Counter("onsale_audit_log_failures_total", "Lines of the audit log that could not be written.", l.failed.Load)
	s.Counter("onsale_audit_log_refusals_left_out_total", "Refused attempts without a line: there were too many at once.", l.refusalsLeftOut.Load)
	s.Gauge("onsale_audit_log_failing", "1 while the audit log cannot be written, so that most verbs are refused.", func() float64 {
		if since, _ := l.Trouble(); since != nil {
			return 1
		}
		return 0
	})
}
