package webhook

import (
	"container/heap"
	"time"
)

// item is an event on its way to one endpoint.
type item struct {
	number   uint64 // in the order in which this endpoint's events were read
	event    Event
	attempts int           // that failed
	waited   time.Duration // since the first of them, while a process ran
	due      time.Time     // not before
	said     string        // why the last one failed, for people

	marked time.Time // when waited was brought up to date; zero before the first attempt
	place  int       // in the heap; -1 outside
}

// bytes is what the item takes in memory and in the file, about.
func (i *item) bytes() int { return len(i.event.Body) + itemOverheadBytes }

// itemOverheadBytes is an item without its event's body: ids, counters, its places in the maps.
const itemOverheadBytes = 512

// queue holds the events that were read and are not delivered. It is a value without a clock,
// goroutines or IO; one goroutine owns it.
//
// Of each subject only the first event may be under way: the others are behind it, whatever
// becomes of it. So one order that the receiver does not take holds up that order's events and
// nothing else, which lanes by a hash of the subject would not do.
type queue struct {
	subjects map[string][]*item // oldest first
	heads    dueHeap            // the first of each subject, but those under way
	count    int
	bytes    int
}

func newQueue() *queue { return &queue{subjects: map[string][]*item{}} }

// add appends an event to its subject's.
func (q *queue) add(i *item) {
	i.place = -1
	line := append(q.subjects[i.event.Subject], i)
	q.subjects[i.event.Subject] = line
	q.count++
	q.bytes += i.bytes()
	if len(line) == 1 {
		heap.Push(&q.heads, i)
	}
}

// take returns an event that is due, which is under way until it is resolved or put off; nil when
// none is.
func (q *queue) take(now time.Time) *item {
	if len(q.heads) == 0 || q.heads[0].due.After(now) {
		return nil
	}
	return heap.Pop(&q.heads).(*item)
}

// next returns when the next event is due; false when none waits.
func (q *queue) next() (time.Time, bool) {
	if len(q.heads) == 0 {
		return time.Time{}, false
	}
	return q.heads[0].due, true
}

// resolve removes an event that was under way; its subject's next one may go.
func (q *queue) resolve(i *item) {
	q.count--
	q.bytes -= i.bytes()
	line := q.subjects[i.event.Subject][1:]
	if len(line) == 0 {
		delete(q.subjects, i.event.Subject)
		return
	}
	q.subjects[i.event.Subject] = line
	heap.Push(&q.heads, line[0])
}

// putOff lets an event that was under way wait until it is due.
func (q *queue) putOff(i *item) { heap.Push(&q.heads, i) }

// hasten makes due what waits, each event at the time that at says: the endpoint takes events
// again.
func (q *queue) hasten(at func() time.Time) {
	for _, i := range q.heads {
		if soon := at(); soon.Before(i.due) {
			i.due = soon
		}
	}
	heap.Init(&q.heads)
}

// oldest returns the decision's time of the oldest event that waits or is under way; false for
// an empty queue.
func (q *queue) oldest() (oldest time.Time, some bool) {
	for _, line := range q.subjects {
		if at := line[0].event.Time; !some || at.Before(oldest) {
			oldest, some = at, true
		}
	}
	return oldest, some
}

// dueHeap is a heap by due, of equal ones by number.
type dueHeap []*item

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(a, b int) bool {
	if h[a].due.Equal(h[b].due) {
		return h[a].number < h[b].number
	}
	return h[a].due.Before(h[b].due)
}

func (h dueHeap) Swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].place, h[b].place = a, b
}

// Push is heap.Interface's.
func (h *dueHeap) Push(x any) {
	i := x.(*item)
	i.place = len(*h)
	*h = append(*h, i)
}

// Pop is heap.Interface's.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	i := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	i.place = -1
	return i
}
