package webhook

import (
	"fmt"
	"time"

	"onsale/internal/failpoint"
)

// takeResults makes what came of attempts durable: of one, and of all others that ended while the
// last ones were written. Only then may the next event of the same subject go. What if we die
// before? The receiver gets an event again, under the same id, and none behind it came first.
func (c *courier) takeResults(first attempt) error {
	ended := []attempt{first}
	for len(c.results) > 0 {
		ended = append(ended, <-c.results)
	}
	now, change, resolved := time.Now(), &change{}, []*item{}
	for _, a := range ended {
		c.underWay--
		c.shown.count(a.outcome)
		if c.judge(&a, change, now) {
			resolved = append(resolved, a.item)
		} else {
			c.queue.putOff(a.item)
		}
	}
	if err := c.commit(change); err != nil {
		return err
	}
	failpoint.Hit(failpoint.WebhookResolved)
	for _, i := range resolved {
		c.queue.resolve(i)
	}
	if c.queue.count == 0 {
		c.marked = time.Time{} // nothing fails while there is nothing
	}
	return nil
}

// judge notes an outcome in a change, and reports whether the event is done with: delivered, or a
// dead letter.
func (c *courier) judge(a *attempt, change *change, now time.Time) (done bool) {
	switch a.result {
	case delivered:
		c.taken(now)
		change.remove = append(change.remove, a.item.number)
		return true
	case undelivered:
		return false
	}
	c.note(a, now)
	if a.result == gone {
		c.stop(StopGone, "the receiver "+a.said+": it asks for no more events")
	}
	if c.now.Failing >= time.Duration(c.config.DisableAfter) {
		c.stop(StopDisabled, fmt.Sprintf("nothing was taken for %v; the last attempt: %s", c.now.Failing.Round(time.Second), a.said))
	}
	if c.now.Stopped == nil && a.item.waited >= GiveUpAfter {
		if c.dead+len(change.bury) < DeadMax {
			change.buryItem(a.item, now)
			return true
		}
		c.stop(StopDeadFull, fmt.Sprintf("there are %d dead letters", c.dead))
	}
	change.put = append(change.put, a.item)
	return false
}

// taken notes that the endpoint takes events.
func (c *courier) taken(now time.Time) {
	back := c.row >= hastenAfter
	c.now.Failing, c.marked, c.row = 0, time.Time{}, 0
	if back {
		c.log.Info("an endpoint takes events again", "endpoint", c.name)
		c.queue.hasten(func() time.Time { return now.Add(time.Duration(c.random.Int64N(int64(hastenWithin)))) })
	}
}

// note counts an attempt that failed, and says when the next one is.
func (c *courier) note(a *attempt, now time.Time) {
	if !c.marked.IsZero() {
		c.now.Failing += now.Sub(c.marked)
	}
	c.marked = now
	c.row++
	if c.row == 1 || c.row == hastenAfter {
		c.log.Warn("an endpoint did not take an event", "endpoint", c.name, "event", a.item.event.ID, "result", a.result.String(),
			"said", a.said, "in_a_row", c.row)
	}

	i := a.item
	i.attempts++
	i.said = a.result.String() + ": " + a.said
	i.waited += now.Sub(i.marked)
	i.marked = now
	pause := delay(i.attempts, c.random)
	if left := GiveUpAfter - i.waited; left > 0 {
		pause = min(pause, left)
	}
	i.due = now.Add(max(pause, a.retryAfter))
	if a.retryAfter > 0 {
		c.quiet = now.Add(a.retryAfter) // the receiver speaks for all of its events
	}
}

// buryItem makes a dead letter of an event.
func (c *change) buryItem(i *item, now time.Time) {
	letter := i.record()
	letter.DeadAt = now.UTC()
	c.bury, c.buried, c.remove = append(c.bury, &letter), append(c.buried, i.number), append(c.remove, i.number)
}
