package sequencer

// pageLength is how many elements a page holds. It bounds what one write after
// a snapshot copies: 64 KiB of orders.
const pageLength = 1024

// paged is a growing array in fixed pages. Growing never moves elements, so it
// costs the same at ten elements and at ten million, and a snapshot shares the
// pages instead of copying them: the first edit of a shared page copies it.
type paged[T any] struct {
	pages  []*[pageLength]T
	shared []bool // pages that a frozen copy may still read
	length uint32
}

// at returns element i for reading.
func (p *paged[T]) at(i uint32) *T { return &p.pages[i/pageLength][i%pageLength] }

// edit returns element i for writing.
func (p *paged[T]) edit(i uint32) *T {
	page := i / pageLength
	if p.shared[page] {
		private := *p.pages[page]
		p.pages[page] = &private
		p.shared[page] = false
	}
	return &p.pages[page][i%pageLength]
}

// push appends an element. The tail page is written in place even when it is
// shared: a frozen copy reads only the elements that it had.
func (p *paged[T]) push(value T) {
	if int(p.length/pageLength) == len(p.pages) {
		p.pages = append(p.pages, new([pageLength]T))
		p.shared = append(p.shared, false)
	}
	p.pages[p.length/pageLength][p.length%pageLength] = value
	p.length++
}

// pop removes the last element. Its page is kept for the next push. Not for
// arrays that are frozen.
func (p *paged[T]) pop() T {
	p.length--
	return p.pages[p.length/pageLength][p.length%pageLength]
}

// freeze returns a copy that later edits and pushes do not change. It costs a
// pointer a page.
func (p *paged[T]) freeze() paged[T] {
	frozen := paged[T]{pages: make([]*[pageLength]T, len(p.pages)), length: p.length}
	copy(frozen.pages, p.pages)
	for i := range p.shared {
		p.shared[i] = true
	}
	return frozen
}
