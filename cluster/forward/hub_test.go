package forward_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"onsale/cluster/forward"
)

func TestHub(t *testing.T) {
	h := forward.NewHub()
	var one, two, other atomic.Int32
	count := func(n *atomic.Int32) func() { return func() { n.Add(1) } }
	stopOne, stopTwo := h.Watch(7, count(&one)), h.Watch(7, count(&two))
	h.Watch(8, count(&other))
	h.Changed([]uint64{7, 9})
	stopOne()
	stopOne() // again is nothing
	h.Changed([]uint64{7})
	h.All()
	if one.Load() != 1 || two.Load() != 3 || other.Load() != 1 || h.Count() != 2 {
		t.Errorf("%d %d %d, %d watch", one.Load(), two.Load(), other.Load(), h.Count())
	}
	stopTwo()
	h.Changed([]uint64{7})
	if two.Load() != 3 || h.Count() != 1 {
		t.Error("it was told after it stopped")
	}
}

// Under -race: watchers come and go while orders change.
func TestHubAtOnce(t *testing.T) {
	h := forward.NewHub()
	var all sync.WaitGroup
	for i := range uint64(4) {
		all.Go(func() {
			for range 1000 {
				h.Watch(i, func() {})()
				h.Changed([]uint64{i, i + 1})
			}
		})
	}
	all.Wait()
	if h.Count() != 0 {
		t.Error(h.Count())
	}
}
