package raftfsm

import (
	"sync"
	"sync/atomic"
	"time"
)

// lifecycle is one run of a node: whether it goes on, and what it failed with.
type lifecycle struct {
	report   func(error)    // is told of the failure, once
	stop     chan struct{}  // closed when the node stops
	finished sync.WaitGroup // what must end before the node is closed

	failed  sync.Once
	failure atomic.Pointer[error]
}

func newLifecycle(report func(error)) *lifecycle {
	return &lifecycle{report: report, stop: make(chan struct{})}
}

// fatal reports the failure that ends the node, once.
func (l *lifecycle) fatal(err error) {
	l.failed.Do(func() {
		l.failure.Store(&err)
		l.report(err)
	})
}

// broken reports whether the node has failed and its process is about to end. Its raft
// goes on until then, and may be elected, but the state does not: a barrier says nothing
// of it any more.
func (l *lifecycle) broken() bool { return l.failure.Load() != nil }

func (l *lifecycle) stopping() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// wait returns after a time, or when the node stops.
func (l *lifecycle) wait(d time.Duration) {
	select {
	case <-l.stop:
	case <-time.After(d):
	}
}
