package archive

import (
	"sync"
	"time"

	"onsale/audit/follow"
	"onsale/internal/metric"
)

// Status is where an archiver is.
type Status struct {
	Rows     int
	Height   uint64    // of the last block that is archived
	Seq      uint64    // of its last decision
	At       time.Time // of the log; zero when nothing is archived
	Journal  uint64    // height of the last block that was read
	Unstored time.Time // since when the oldest block is waiting that is read and not archived; zero for none
	Segments uint64    // put by this process
	Bytes    uint64    // of those
	Failures uint64    // of the store
	LastErr  error     // of the store; nil since it has answered
}

// status is a Status under a lock, with the times of puts.
type status struct {
	mu      sync.Mutex
	is      Status
	seconds metric.Times
}

// Status returns where the archiver is.
func (a *Archiver) Status() Status {
	a.status.mu.Lock()
	defer a.status.mu.Unlock()
	return a.status.is
}

func (s *status) change(fn func(is *Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(&s.is)
}

func (s *status) saw(b *follow.Block) { s.change(func(is *Status) { is.Journal = b.Height }) }

// begun notes that a block waits for its segment since a time.
func (s *status) begun(at time.Time) { s.change(func(is *Status) { is.Unstored = at }) }

func (s *status) archived(tip *leg, rows int) {
	if tip == nil {
		return
	}
	s.change(func(is *Status) {
		is.Rows, is.Height, is.Seq, is.At = rows, tip.last, tip.row.LastSeq, tip.row.LastTime
		is.Unstored = time.Time{}
	})
}

func (s *status) put(bytes int, took time.Duration) {
	s.seconds.Observe(took)
	s.change(func(is *Status) { is.Segments, is.Bytes = is.Segments+1, is.Bytes+uint64(bytes) })
}

func (s *status) answered(err error) {
	s.change(func(is *Status) {
		is.LastErr = err
		if err != nil {
			is.Failures++
		}
	})
}
