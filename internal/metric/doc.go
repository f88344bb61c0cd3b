// Package metric shows numbers to Prometheus that are counted elsewhere by plain
// atomic additions and read when somebody collects, so that nothing of Prometheus
// runs where decisions are made. Every metric is described in docs/metrics.md.
package metric
