package webhook

import (
	"context"
	"errors"
	"time"

	"onsale/internal/failpoint"
)

// read asks the feed for what is behind the position, unless a question is under way, nothing is
// sent any more, or there is no room for what would come.
func (c *courier) read(ctx context.Context) {
	now := time.Now()
	full := c.queue.count >= PendingMax || c.queue.bytes >= PendingBytesMax
	if c.reading != 0 || c.now.Stopped != nil || full || now.Before(c.readAt) {
		return
	}
	if err := c.state.room(); err != nil {
		c.putOffReading(err, roomInterval)
		return
	}
	c.asked++
	c.reading = c.asked
	asking, stop := context.WithCancel(ctx)
	c.stopRead = stop
	question, after := c.asked, c.now.Position
	if !c.now.Begun && c.config.From == fromNewest {
		after = Newest
	}
	go func() {
		defer stop()
		page, err := c.source.Next(asking, after, c.config.filter(), feedWait)
		failpoint.Hit(failpoint.WebhookRead)
		c.pages <- readPage{question, page, err} // it has room for one, and there is one
	}()
}

// takePage makes the events of a page durable together with the position behind them. What if we
// die before? They are read again. After? They are in the file.
func (c *courier) takePage(p readPage) error {
	if p.question != c.reading { // somebody has moved the position meanwhile
		return nil
	}
	c.reading = 0
	var cut *Cut
	switch {
	case errors.Is(p.err, ErrFeedGone):
		return c.stopDurably(StopFeedGone, p.err.Error()+": events were lost to this endpoint; say from where it goes on (onsale webhook replay)")
	case errors.As(p.err, &cut):
		return c.takeCut(cut)
	case p.err != nil:
		c.failures++
		c.shown.feedErrors.Add(1)
		c.putOffReading(p.err, min(100*time.Millisecond<<min(c.failures, 10), feedRetryMax))
		return nil
	}
	c.failures, c.feedErr, c.behind = 0, nil, p.page.More
	if p.page.Next == c.now.Position && c.now.Begun {
		return nil // nothing came
	}
	return c.keep(&p.page)
}

// takeCut tells the receiver of a restore, by an event of ours that no filter leaves out, and goes
// on behind the last position that still holds. Both are one change.
func (c *courier) takeCut(cut *Cut) error {
	if cut.Still == "" || cut.Still == c.now.Position {
		return c.stopDurably(StopCut, cut.Error()+", and it is not known what still holds; say from where it goes on (onsale webhook replay)")
	}
	c.log.Error("the cluster was restored to before what an endpoint was sent: it is told", "endpoint", c.name,
		"sent_up_to", c.now.Position, "still_true_up_to", cut.Still)
	notice, err := cutNotice(c.now.Position, cut.Still, time.Now())
	if err != nil {
		return err
	}
	return c.keep(&Page{Events: []Event{notice}, Next: cut.Still})
}

// keep writes a page and queues its events.
func (c *courier) keep(page *Page) error {
	now := time.Now()
	change := &change{}
	for _, e := range page.Events {
		c.now.Number++
		i := &item{number: c.now.Number, event: e, due: now}
		c.newest = e.Time
		if len(e.Body) <= BodyBytesMax {
			change.put = append(change.put, i)
			continue
		}
		i.event.Body = nil
		i.said = "longer than an event may be"
		change.buryItem(i, now)
	}
	c.now.Position, c.now.Begun = page.Next, true
	if err := c.commit(change); err != nil {
		return err
	}
	failpoint.Hit(failpoint.WebhookStored)
	for _, i := range change.put {
		c.queue.add(i)
	}
	return nil
}

// commit makes a change, and the progress as it is now, durable.
func (c *courier) commit(change *change) error {
	change.now = c.now
	if err := c.state.commit(c.name, change); err != nil {
		return err
	}
	c.dead += len(change.bury) - len(change.exhume)
	return nil
}

// putOffReading notes why the feed is not read for a time.
func (c *courier) putOffReading(err error, pause time.Duration) {
	if c.feedErr == nil || c.feedErr.Error() != err.Error() {
		c.log.Warn("events cannot be read", "endpoint", c.name, "error", err)
	}
	c.feedErr = err
	c.readAt = time.Now().Add(pause)
}

// stopDurably stops the endpoint outside of an attempt.
func (c *courier) stopDurably(reason, why string) error {
	c.stop(reason, why)
	return c.commit(&change{})
}
