package bench

import "time"

// A flood is an open loop that offers a server more than it can take: buyers arrive at
// times that were fixed before, and those who find no connection free go again, counted,
// so that what the server is offered does not depend on how long our own line is. Latency
// runs from when a request is sent. As it shares the machine with the server that it
// floods, it runs in the loops that closed loads run in.

// floodTick is how long a loop sleeps at most before it looks who has arrived.
const floodTick = time.Millisecond

// pace is one loop's share of a flood.
type pace struct {
	rate float64 // arrivals a second
	came uint64
	// ready are the connections on which nobody waits, free for longest first, so that
	// none is idle until the server closes it; some may have been dropped.
	ready []*caller
}

func newPace(l *load, connections int) *pace {
	return &pace{rate: float64(l.rate) * float64(connections) / float64(l.connections)}
}

// user is who sends the request of a number.
func (l *load) user(n uint64) uint64 {
	if l.bots == 0 {
		return n
	}
	return l.first + 1 + n%l.bots
}

// nobody is the source of a loop to which buyers come by its pace.
func nobody() (uint64, time.Time, bool) { return 0, time.Time{}, false }

func (f *pace) free(c *caller) {
	c.idle = true
	f.ready = append(f.ready, c)
}

// take returns a connection that is free; nil when there is none.
func (f *pace) take() *caller {
	for len(f.ready) > 0 {
		c := f.ready[0]
		f.ready = f.ready[1:]
		if c.idle = false; c.fd >= 0 {
			return c
		}
	}
	return nil
}

// patience is how many milliseconds a loop may sleep.
func (p *loop) patience() int {
	if p.pace != nil {
		return int(floodTick.Milliseconds())
	}
	return int(lookEvery.Milliseconds())
}

// arrive sends the requests of those who have arrived by now, and reports whether nobody
// comes any more and everybody has an answer.
func (p *loop) arrive(now time.Time) (over bool) {
	f, since := p.pace, now.Sub(p.load.started)
	for due := uint64(f.rate * min(since, p.load.duration).Seconds()); f.came < due; f.came++ {
		if c := f.take(); c != nil {
			p.send(c, p.load.next.Add(1), time.Now())
		} else {
			p.load.notSent.Add(1)
		}
	}
	return since >= p.load.duration && p.waiting() == 0
}

// waiting is how many connections have a request under way.
func (p *loop) waiting() (n int) {
	for _, c := range p.callers {
		if c.fd >= 0 && !c.idle {
			n++
		}
	}
	return n
}
