package sequencer

// waitlist is one sale's queue, strictly first in, first out. An order's place
// is its ordinal; who leaves from the middle is counted in a Fenwick tree
// (Fenwick 1994), so that a position is exact and costs a logarithm.
type waitlist struct {
	orders paged[uint32] // numbers of the orders by ordinal
	left   paged[uint32] // Fenwick tree over who left from the middle; node i at i-1
	gone   uint32        // all who left from the middle
	head   uint32        // ordinal of the first that may still wait
}

// push appends an order at the end.
func (w *waitlist) push(number uint32) {
	w.orders.push(number)
	node := w.orders.length
	sum := uint32(0)
	if w.gone > 0 {
		sum = w.leftBefore(node-1) - w.leftBefore(node-node&-node)
	}
	w.left.push(sum)
}

// leave marks that the order at an ordinal left from the middle.
func (w *waitlist) leave(ordinal uint32) {
	w.gone++
	for node := ordinal + 1; node <= w.left.length; node += node & -node {
		*w.left.edit(node - 1)++
	}
}

// leftBefore returns how many of the first n ordinals left from the middle.
func (w *waitlist) leftBefore(n uint32) uint32 {
	sum := uint32(0)
	for ; n > 0; n -= n & -n {
		sum += *w.left.at(n - 1)
	}
	return sum
}

// ordinalOf finds the ordinal of an order that is in the list: orders wait in the order
// of their numbers. While only this sale's orders are made there is none between two of
// them, and the first look finds it; a search in ten million is of two dozen cache misses.
func (w *waitlist) ordinalOf(number uint32) uint32 {
	low, high := uint32(0), min(w.orders.length, number-*w.orders.at(0)+1)
	if *w.orders.at(high - 1) == number {
		return high - 1
	}
	for low < high {
		middle := low + (high-low)/2
		if *w.orders.at(middle) < number {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// position returns the place of a waiting order, from 1.
func (w *waitlist) position(number uint32) uint32 {
	ordinal := w.ordinalOf(number)
	return ordinal - w.head - (w.leftBefore(ordinal) - w.leftBefore(w.head)) + 1
}

// skipGone moves head to the first order that still waits, or to the end.
func (s *State) skipGone(w *waitlist) {
	for w.head < w.orders.length && s.orders.at(*w.orders.at(w.head)).state != StateWaitlisted {
		w.head++
	}
}
