package webhook

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"onsale/api/contract"
	"onsale/internal/failpoint"
)

// Bounds of what one endpoint has in memory and in the state file. While either is reached, no
// further events are read: they stay where they are, in the journals that the feed is made of.
const (
	PendingMax      = 4096 // events that were read and are not delivered
	PendingBytesMax = 16 << 20
	// DeadMax bounds the dead letters. An endpoint with so many is stopped: none is dropped.
	DeadMax = 10_000
)

const (
	// feedWait is how long a question to the feed waits for events.
	feedWait = 20 * time.Second
	// feedRetryMax bounds the pause after a question to the feed that failed.
	feedRetryMax = 15 * time.Second
	// roomInterval is how often a disk that is nearly full is looked at.
	roomInterval = 5 * time.Second
	// drainTimeout is how long attempts may go on when the process ends.
	drainTimeout = 5 * time.Second
	// publishInterval is how often what metrics show is brought up to date while something happens,
	// and idleInterval how often otherwise.
	publishInterval = time.Second
	idleInterval    = 10 * time.Second
	// hastenAfter is how many attempts in a row must have failed for the next one that is taken
	// to mean that the endpoint is back: what waits then goes within hastenWithin.
	hastenAfter  = 8
	hastenWithin = 30 * time.Second
)

// store keeps what must survive. An error of commit is final.
type store interface {
	commit(endpoint string, c *change) error
	room() error
}

// courier delivers the feed's events to one endpoint. It reads the feed by itself, so that an
// endpoint which takes nothing holds up no other. All its fields belong to the goroutine of run.
type courier struct {
	name   string
	config Endpoint
	state  store
	source Source
	send   func(context.Context, *Event) outcome
	log    *slog.Logger
	random *rand.Rand

	queue    *queue
	now      progress
	dead     int
	underWay int
	quiet    time.Time // nothing is sent before: the receiver asked for that
	marked   time.Time // when now.Failing was brought up to date; zero while events are taken
	row      int       // attempts in a row that failed

	reading  uint64    // the question to the feed that is under way; 0 for none
	asked    uint64    // how many there were
	stopRead func()    // ends it
	readAt   time.Time // none before
	failures int       // of such questions in a row
	feedErr  error     // why the last one failed
	newest   time.Time // time of the last event that was read
	behind   bool      // the feed had more then

	pages   chan readPage
	results chan attempt
	orders  chan order
	shown   *shown
}

// readPage is what the feed answered to a question.
type readPage struct {
	question uint64
	page     Page
	err      error
}

// attempt is one that has ended.
type attempt struct {
	item *item
	outcome
}

// order is what a person wants of the courier; done gets its error.
type order struct {
	do   func() error
	done chan error
}

// run delivers until ctx ends, and then gives attempts that are under way drainTimeout. It
// returns nil, or the error of the state file, which ends the process.
func (c *courier) run(ctx context.Context) error {
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	timer := time.NewTimer(0)
	defer timer.Stop()

	for {
		c.read(ctx)
		c.start(work)
		now := time.Now()
		timer.Reset(c.pause(now, c.publish(now)))
		var err error
		select {
		case <-ctx.Done():
			return c.drain(abandon)
		case p := <-c.pages:
			err = c.takePage(p)
		case a := <-c.results:
			err = c.takeResults(a)
		case o := <-c.orders:
			err = c.obey(o)
		case <-timer.C:
		}
		if err != nil {
			return err
		}
	}
}

// obey does what a person wants. What it could not write ends the courier too.
func (c *courier) obey(o order) error {
	err := o.do()
	o.done <- err
	if isRefusal(err) {
		return nil
	}
	return err
}

// pause is how long nothing is to be done unless something comes, next at the latest.
func (c *courier) pause(now, next time.Time) time.Duration {
	sooner := func(at time.Time) {
		if at.Before(next) && at.After(now) {
			next = at
		}
	}
	sooner(c.quiet)
	sooner(c.readAt)
	if due, some := c.queue.next(); some {
		sooner(due)
	}
	return next.Sub(now)
}

// start begins an attempt for each event that is due, as many at once as the endpoint may have.
func (c *courier) start(work context.Context) {
	now := time.Now()
	if c.now.Stopped != nil || now.Before(c.quiet) {
		return
	}
	for c.underWay < c.config.Concurrency {
		i := c.queue.take(now)
		if i == nil {
			return
		}
		c.underWay++
		if i.marked.IsZero() {
			i.marked = now
		}
		go func() {
			failpoint.Hit(failpoint.WebhookSend)
			a := attempt{i, c.send(work, &i.event)}
			failpoint.Hit(failpoint.WebhookSent)
			c.results <- a // it has room for all that are under way
		}()
	}
}

// drain ends the question to the feed and waits for the attempts that are under way. What was not
// answered by then is sent again by the next process.
func (c *courier) drain(abandon func()) error {
	if c.reading != 0 {
		c.stopRead()
	}
	patience := time.AfterFunc(drainTimeout, abandon)
	defer patience.Stop()
	for c.underWay > 0 {
		if err := c.takeResults(<-c.results); err != nil {
			return err
		}
	}
	return nil
}

// stop sends nothing more to the endpoint, and keeps all that it has, until somebody says go on.
func (c *courier) stop(reason, why string) {
	if c.now.Stopped != nil {
		return
	}
	c.now.Stopped = &contract.WebhookStop{Reason: reason, Why: why, At: time.Now().UTC()}
	c.log.Error("nothing is sent to an endpoint any more", "endpoint", c.name, "reason", reason, "why", why)
}
