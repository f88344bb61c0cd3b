package bench

import (
	"context"
	"time"
)

// Progress is told while a load runs how many were answered and which part of it is over, 0
// to 1; nil for nobody. It is called by one goroutine.
type Progress func(answered uint64, part float64)

// progressEvery is how often.
const progressEvery = 250 * time.Millisecond

// watched runs the load and tells its progress.
func (l *load) watched(ctx context.Context, tell Progress) (*measured, error) {
	if tell == nil {
		return l.run(ctx)
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				tell(l.answered.Load(), l.part(time.Since(began)))
			}
		}
	}()
	m, err := l.run(ctx)
	close(done)
	<-stopped
	if err == nil {
		tell(l.answered.Load(), 1)
	}
	return m, err
}

// part is how much of the load is over: of its buyers, or of its time when that ends it.
func (l *load) part(since time.Duration) float64 {
	part := float64(l.answered.Load()) / float64(max(1, l.buyers))
	if l.duration > 0 {
		part = max(part, since.Seconds()/l.duration.Seconds())
	}
	return min(1, part)
}
