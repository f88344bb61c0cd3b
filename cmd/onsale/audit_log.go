package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/auditlog"
	"onsale/internal/metric"
)

// openAudit opens the audit log of a process.
func (s *processSettings) openAudit(id string, log *slog.Logger) (*auditlog.Log, error) {
	audit, err := auditlog.Open(auditlog.Config{Path: s.AuditLog, Out: s.stderr, Node: id, Clock: time.Now, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("--audit-log: %w", err)
	}
	return audit, nil
}

// closeAudit closes it; it may be nil.
func closeAudit(audit *auditlog.Log) error {
	if audit == nil {
		return nil
	}
	return audit.Close()
}

func auditMetrics(audit *auditlog.Log) prometheus.Collector {
	set := new(metric.Set)
	audit.Publish(set)
	return set
}

// verbReload is the audit log's name for settings that are read again.
const verbReload = "reload"

// auditFile writes that a file was read again because it changed, and what is in force, or why it
// does not load. It is not asked for: that there is no line is an alarm.
func auditFile(audit *auditlog.Log, setting string, now map[string]any, err error) {
	entry := auditlog.Entry{From: "a change of the file", Verb: verbReload, Target: setting, After: now, Outcome: auditlog.Done}
	if err != nil {
		entry.Outcome = err.Error()
	}
	_ = audit.Write(entry)
}

// auditReload opens the audit log anew and lets a reload happen when that can be written down;
// do returns the names of the settings that need a restart.
func auditReload(audit *auditlog.Log, cause string, do func() (kept []string, err error)) (kept []string, err error) {
	if err := audit.Reopen(); err != nil {
		return nil, err
	}
	entry := auditlog.Entry{From: cause, Verb: verbReload, Target: "settings", Outcome: auditlog.Begun}
	if err := audit.Write(entry); err != nil {
		return nil, err
	}
	kept, err = do()
	entry.Outcome = auditlog.Done
	if err != nil {
		entry.Outcome = err.Error()
	}
	entry.After = map[string]any{"need_restart": kept}
	_ = audit.Write(entry) // it was done: that there is no line is an alarm
	return kept, err
}
