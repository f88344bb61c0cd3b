package report

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api/contract"
	"onsale/sequencer"
)

const (
	// PassesMax bounds the passes over a node's journal at one time: each takes
	// a processor and reads the whole journal, beside a node that is selling.
	PassesMax = 1
	// PassTimeout bounds how long a pass may take.
	PassTimeout = 90 * time.Second
	// rememberedMax bounds the timelines that are remembered, of RowsMax rows each.
	rememberedMax = 8
	// behindRetries and behindWait bound the wait for a block that the replica
	// shows already, and that is being written to the journal.
	behindRetries = 3
	behindWait    = 20 * time.Millisecond
)

// Service makes timelines of a running node's journal. Its methods may be called
// by any goroutine.
type Service struct {
	dir    string
	passes chan struct{} // a place for each pass
	logger *slog.Logger

	mu         sync.Mutex
	remembered []remembered // the newest last

	counters struct{ made, remembered, busy, failed, nanoseconds atomic.Uint64 }
	made     *prometheus.Desc
	seconds  *prometheus.Desc
}

// remembered is a timeline, under what it is as of. Time moves without a seq when
// holds end.
type remembered struct {
	sale      string
	seq       uint64
	time      int64
	timeline  *contract.Timeline
	createdAt int64
}

// NewService returns a service on the journal in a directory.
func NewService(dir string, logger *slog.Logger) *Service {
	return &Service{
		dir: dir, passes: make(chan struct{}, PassesMax), logger: logger,
		made: prometheus.NewDesc("onsale_timelines_total",
			"Timelines asked for, by result. Alert when failed grows: the journal cannot be read, or disagrees with the replica.", []string{"result"}, nil),
		seconds: prometheus.NewDesc("onsale_timeline_seconds_total", "Time spent reading the journal for timelines.", nil, nil),
	}
}

// Timeline returns the course of a sale up to what a replica says of it. The
// caller must not change it. It returns contract.ErrTimelineBusy when another is
// being made or this one takes over PassTimeout, and what Run returns.
func (s *Service) Timeline(ctx context.Context, view *sequencer.SaleView) (*contract.Timeline, error) {
	if known := s.recall(view); known != nil {
		s.counters.remembered.Add(1)
		return known, nil
	}
	select {
	case s.passes <- struct{}{}:
		defer func() { <-s.passes }()
	default:
		s.counters.busy.Add(1)
		return nil, fmt.Errorf("%w: another one is being made", contract.ErrTimelineBusy)
	}
	timeline, err := s.pass(ctx, view)
	if err != nil {
		s.counters.failed.Add(1)
		return nil, err
	}
	s.counters.made.Add(1)
	if len(timeline.Mismatch) > 0 {
		s.counters.failed.Add(1)
		s.logger.Error("the journal and the replica count a sale differently; run an audit", "sale", view.ID, "seq", view.AsOfSeq, "mismatch", timeline.Mismatch)
	}
	s.remember(view, timeline)
	return timeline, nil
}

// pass reads the journal. The replica shows a batch a moment before the journal
// has it.
func (s *Service) pass(parent context.Context, view *sequencer.SaleView) (*contract.Timeline, error) {
	ctx, cancel := context.WithTimeout(parent, PassTimeout)
	defer cancel()
	started := time.Now()
	defer func() { s.counters.nanoseconds.Add(uint64(time.Since(started))) }()
	told, err := Run(ctx, s.dir, view.ID, Options{Until: view})
	for retry := 0; errors.Is(err, sequencer.ErrBehind) && retry < behindRetries; retry++ {
		time.Sleep(behindWait)
		told, err = Run(ctx, s.dir, view.ID, Options{Until: view})
	}
	switch {
	case err == nil:
		return &told.Timeline, nil
	case errors.Is(err, context.DeadlineExceeded) && parent.Err() == nil:
		return nil, fmt.Errorf("%w: the journal could not be read within %s; copy it and use --journal", contract.ErrTimelineBusy, PassTimeout)
	case parent.Err() == nil && !errors.Is(err, contract.ErrJournalIncomplete):
		s.logger.Error("a timeline could not be made", "sale", view.ID, "error", err)
	}
	return nil, err
}

func (s *Service) recall(view *sequencer.SaleView) *contract.Timeline {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.remembered {
		if r := &s.remembered[i]; r.of(view) && r.seq == view.AsOfSeq && r.time == view.AsOfTime {
			return r.timeline
		}
	}
	return nil
}

func (r *remembered) of(view *sequencer.SaleView) bool {
	return r.sale == view.ID && r.createdAt == view.CreatedAt
}

// remember keeps the newest timeline of a sale, and forgets the oldest of all.
func (s *Service) remember(view *sequencer.SaleView, timeline *contract.Timeline) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remembered = slices.DeleteFunc(s.remembered, func(r remembered) bool { return r.of(view) })
	if len(s.remembered) == rememberedMax {
		s.remembered = slices.Delete(s.remembered, 0, 1)
	}
	s.remembered = append(s.remembered, remembered{view.ID, view.AsOfSeq, view.AsOfTime, timeline, view.CreatedAt})
}

// Describe implements prometheus.Collector.
func (s *Service) Describe(to chan<- *prometheus.Desc) {
	to <- s.made
	to <- s.seconds
}

// Collect implements prometheus.Collector.
func (s *Service) Collect(to chan<- prometheus.Metric) {
	c := &s.counters
	for _, result := range []struct {
		name  string
		count *atomic.Uint64
	}{{"made", &c.made}, {"remembered", &c.remembered}, {"busy", &c.busy}, {"failed", &c.failed}} {
		to <- prometheus.MustNewConstMetric(s.made, prometheus.CounterValue, float64(result.count.Load()), result.name)
	}
	to <- prometheus.MustNewConstMetric(s.seconds, prometheus.CounterValue, time.Duration(c.nanoseconds.Load()).Seconds())
}
