package accept

import (
	"container/heap"
	"container/list"
	"net/netip"
)

// crowd are the places of those that never proved themselves, by address. Its owner's lock
// guards it.
type crowd struct {
	groups map[netip.Addr]*group
	most   bySize
	count  int
	order  uint64 // of the last one that came to the end of a line
}

// group is an address with its places.
type group struct {
	address netip.Addr
	members list.List // of *Place, the one that was idle longest first
	index   int       // in bySize
}

func newCrowd() crowd { return crowd{groups: map[netip.Addr]*group{}} }

func (c *crowd) add(p *Place) {
	g := c.groups[p.address]
	if g == nil {
		g = &group{address: p.address}
		c.groups[p.address] = g
		heap.Push(&c.most, g)
	}
	c.order++
	p.order = c.order
	p.group, p.element = g, g.members.PushBack(p)
	heap.Fix(&c.most, g.index)
	c.count++
}

func (c *crowd) remove(p *Place) {
	g := p.group
	g.members.Remove(p.element)
	p.group, p.element = nil, nil
	c.count--
	if g.members.Len() > 0 {
		heap.Fix(&c.most, g.index)
		return
	}
	heap.Remove(&c.most, g.index)
	delete(c.groups, g.address)
}

// sizeOf returns how many places an address has.
func (c *crowd) sizeOf(address netip.Addr) int {
	if g := c.groups[address]; g != nil {
		return g.members.Len()
	}
	return 0
}

// idle takes the place that was idle longest from who has it, of the address that has
// most; nil when none of those that it looked at is idle. The place stays in the crowd.
func (c *crowd) idle() (found *Place) {
	tries := triesMax
	var looked []*group
	for found == nil && tries > 0 && len(c.most) > 0 {
		g := heap.Pop(&c.most).(*group)
		looked = append(looked, g)
		found = c.idleOf(g, &tries)
	}
	for _, g := range looked {
		heap.Push(&c.most, g)
	}
	return found
}

// idleOf does so of one address. Who is in a request goes to the end of the line: it is
// not idle for long. The caller puts the group where it belongs then.
func (c *crowd) idleOf(g *group, tries *int) *Place {
	for left := g.members.Len(); left > 0 && *tries > 0; left-- {
		*tries--
		first := g.members.Front()
		p := first.Value.(*Place)
		if p.take() {
			return p
		}
		c.order++
		p.order = c.order
		g.members.MoveToBack(first)
	}
	return nil
}

// idleAt does so of one address by its name.
func (c *crowd) idleAt(address netip.Addr) *Place {
	g, tries := c.groups[address], triesMax
	found := c.idleOf(g, &tries)
	heap.Fix(&c.most, g.index)
	return found
}

// bySize is a heap with the address first that has most places, and of equals the one with
// the place that was idle longest.
type bySize []*group

func (b bySize) Len() int { return len(b) }

func (b bySize) Less(i, j int) bool {
	if here, there := b[i].members.Len(), b[j].members.Len(); here != there {
		return here > there
	}
	return b[i].oldest() < b[j].oldest()
}

// oldest returns the order of the first in line; a group is empty for a moment only, before
// its first one or after its last.
func (g *group) oldest() uint64 {
	if first := g.members.Front(); first != nil {
		return first.Value.(*Place).order
	}
	return 0
}

func (b bySize) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].index, b[j].index = i, j
}

func (b *bySize) Push(x any) {
	g := x.(*group)
	g.index = len(*b)
	*b = append(*b, g)
}

func (b *bySize) Pop() any {
	last := len(*b) - 1
	g := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return g
}
