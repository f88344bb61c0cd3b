package stream

import "sync/atomic"

// bound counts what is open and how much was refused.
type bound struct {
	most    int64
	open    atomic.Int64
	refused atomic.Uint64
}

// take takes a place; false when there is none.
func (b *bound) take() bool {
	if b.open.Add(1) <= b.most {
		return true
	}
	b.open.Add(-1)
	b.refused.Add(1)
	return false
}

func (b *bound) give() { b.open.Add(-1) }
