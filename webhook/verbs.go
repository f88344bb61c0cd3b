package webhook

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"onsale/api/contract"
)

// Statuses returns how the endpoints stand, by name.
func (e *Engine) Statuses() []contract.Webhook {
	all := []contract.Webhook{}
	for _, r := range e.all() {
		all = append(all, r.courier.shown.status())
	}
	return all
}

// Test sends an endpoint an event of TypeTest, once and at once, whether it is stopped or not.
func (e *Engine) Test(ctx context.Context, name string) (*contract.WebhookTest, error) {
	r, err := e.find(name)
	if err != nil {
		return nil, err
	}
	event, err := newNotice(TypeTest, "test."+rand.Text(), time.Now(), map[string]any{"endpoint": name})
	if err != nil {
		return nil, err
	}
	o := r.sender.send(ctx, &event)
	return &contract.WebhookTest{ID: event.ID, Result: o.result.String(), Status: o.status, Said: o.said, Seconds: o.took.Seconds()}, nil
}

// Enable lets a stopped endpoint go on where it is.
func (e *Engine) Enable(ctx context.Context, name string) error {
	return e.tell(ctx, name, func(c *courier) error {
		c.goOn()
		return c.commit(&change{})
	})
}

// goOn forgets why nothing is sent; what waits is due at once.
func (c *courier) goOn() {
	now := time.Now()
	c.now.Stopped, c.now.Failing, c.marked, c.row, c.quiet = nil, 0, time.Time{}, 0, time.Time{}
	c.queue.hasten(func() time.Time { return now })
}

// Replay sends all again from a position on, "" for the oldest that the feed has, beside what
// waits already, and lets a stopped endpoint go on.
func (e *Engine) Replay(ctx context.Context, name, from string) error {
	return e.tell(ctx, name, func(c *courier) error {
		c.replay(from)
		return c.commit(&change{})
	})
}

func (c *courier) replay(from string) {
	c.forgetReading()
	c.goOn()
	c.now.Position, c.now.Begun = from, true
}

// forgetReading ends the question that is under way: its answer is not wanted any more.
func (c *courier) forgetReading() {
	if c.reading != 0 {
		c.stopRead()
		<-c.pages // the question ends, or has ended: one page comes
		c.reading = 0
	}
	c.readAt, c.feedErr = time.Time{}, nil
}

// Dead returns all dead letters of an endpoint, oldest first.
func (e *Engine) Dead(name string) ([]contract.WebhookLetter, error) {
	if _, err := e.find(name); err != nil {
		return nil, err
	}
	records, numbers, err := e.config.State.letters(name, 0, DeadMax)
	letters := []contract.WebhookLetter{}
	for n, r := range records {
		letters = append(letters, contract.WebhookLetter{Number: numbers[n], ID: r.Event.ID, Type: r.Event.Type, Subject: r.Event.Subject,
			Time: r.Event.Time, Attempts: r.Attempts, Said: r.Said, DeadAt: r.DeadAt})
	}
	return letters, err
}

// Retry takes dead letters back, by their numbers, as new events behind what waits; without
// numbers the oldest contract.WebhookRetriesMax. It returns how many. ErrNotDead, and none, when one is not there;
// ErrFull when too much waits.
func (e *Engine) Retry(ctx context.Context, name string, numbers []uint64) (count int, err error) {
	err = e.tell(ctx, name, func(c *courier) error {
		letters, err := e.exhume(name, numbers)
		if err != nil {
			return err
		}
		count = len(letters)
		return c.takeBack(letters)
	})
	return count, err
}

// exhume reads the dead letters of these numbers.
func (e *Engine) exhume(name string, numbers []uint64) ([]*item, error) {
	var found []*item
	now := time.Now()
	add := func(records []itemRecord, of []uint64) {
		for n := range records {
			found = append(found, &item{number: of[n], event: records[n].Event, due: now})
		}
	}
	if len(numbers) == 0 {
		records, of, err := e.config.State.letters(name, 0, contract.WebhookRetriesMax)
		add(records, of)
		return found, err
	}
	for _, number := range slices.Sorted(slices.Values(numbers)) {
		records, of, err := e.config.State.letters(name, number-1, 1)
		if err != nil {
			return nil, err
		}
		if len(of) == 0 || of[0] != number {
			return nil, fmt.Errorf("%w: %d", ErrNotDead, number)
		}
		add(records, of)
	}
	return found, nil
}

// takeBack queues dead letters again: that they are no dead letters any more and that they wait
// is one change.
func (c *courier) takeBack(letters []*item) error {
	if c.queue.count+len(letters) > PendingMax+contract.WebhookRetriesMax {
		return ErrFull
	}
	change := &change{put: letters}
	for _, i := range letters {
		change.exhume = append(change.exhume, i.number)
		c.now.Number++
		i.number = c.now.Number
	}
	if err := c.commit(change); err != nil {
		return err
	}
	for _, i := range letters {
		c.queue.add(i)
	}
	return nil
}

func (e *Engine) tell(ctx context.Context, name string, do func(*courier) error) error {
	r, err := e.find(name)
	if err != nil {
		return err
	}
	return r.tell(ctx, func() error { return do(r.courier) })
}
