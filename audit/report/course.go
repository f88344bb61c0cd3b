package report

import "onsale/sequencer"

// The rows of a timeline.
const (
	// OpeningSeconds is for how long after the opening each second has its row.
	OpeningSeconds = 300
	// LaterSeconds is how long a later row is, at least; it is doubled as often as
	// it takes to keep LaterRowsMax.
	LaterSeconds = 60
	// LaterRowsMax bounds the rows after the opening seconds.
	LaterRowsMax = 480
	// RowsMax bounds all rows.
	RowsMax = OpeningSeconds + LaterRowsMax
)

const second = 1_000_000_000 // nanoseconds

// running is what has happened to a sale so far, and where its tickets are.
type running struct {
	counters            sequencer.Counters
	batches, promoted   uint64
	rejected, cancelled uint64 // payment attempts

	available, held, sold, withheld int64
	waiting                         int64 // orders
}

// course keeps the running total as of the end of each row. A row is what lies
// between two of them, so rows are made longer by forgetting every other one.
type course struct {
	opened  int64 // log time, nanoseconds
	before  running
	opening []running
	later   []running
	seconds int64 // of each later row
	busy    busy
}

func newCourse(opened int64) course { return course{opened: opened, seconds: LaterSeconds} }

// mark notes the running total after a batch. Times never go back.
func (c *course) mark(now int64, total *running) {
	c.busy.mark(floorSeconds(now-c.opened), requests(&total.counters))
	if now < c.opened {
		c.before = *total
		return
	}
	elapsed := (now - c.opened) / second
	if elapsed < OpeningSeconds {
		c.opening = put(c.opening, elapsed, c.newest(), total)
		return
	}
	c.opening = fill(c.opening, OpeningSeconds, c.newest())
	elapsed -= OpeningSeconds
	for elapsed/c.seconds >= LaterRowsMax {
		c.lengthen()
	}
	c.later = put(c.later, elapsed/c.seconds, c.newest(), total)
}

// floorSeconds returns whole seconds, those before zero downwards.
func floorSeconds(nanoseconds int64) int64 {
	if nanoseconds < 0 {
		return -((-nanoseconds + second - 1) / second)
	}
	return nanoseconds / second
}

// newest returns the total at the end of the newest row.
func (c *course) newest() running {
	switch {
	case len(c.later) > 0:
		return c.later[len(c.later)-1]
	case len(c.opening) > 0:
		return c.opening[len(c.opening)-1]
	}
	return c.before
}

// lengthen makes one row of every two later ones.
func (c *course) lengthen() {
	c.seconds *= 2
	half := c.later[:0]
	for i := 1; i < len(c.later); i += 2 {
		half = append(half, c.later[i])
	}
	if len(c.later)%2 == 1 { // the last one's other half is still to come
		half = append(half, c.later[len(c.later)-1])
	}
	c.later = half
}

// put sets the row at an index, with rows in which nothing happened before it.
func put(rows []running, index int64, newest running, total *running) []running {
	rows = fill(rows, index+1, newest)
	rows[index] = *total
	return rows
}

func fill(rows []running, length int64, newest running) []running {
	for int64(len(rows)) < length {
		rows = append(rows, newest)
	}
	return rows
}
