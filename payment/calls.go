package payment

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"onsale/sequencer"
)

// An attempt that begins while many are ahead stands in the line (sequencer's line.go): its
// pay_begin says so. Before its turn pay_called is committed, for the next calls of about a second
// at once, so that it costs a commit for many calls and none of their time. From then on its call
// may go out, and its grace counts.
//
// # What if we die here?
//
//   - Before pay_called is committed: the provider never heard of the attempt, and never will, since
//     the call follows the commit. The next leader sees an attempt in the line that is not in its
//     own, and ends it without asking (provider_unavailable). It cannot call instead: the means of
//     payment died with us. The buyer has ten minutes at least, however often that happens, and who
//     pays again joins the next leader's line at once, also while the old attempt has not ended.
//   - After the commit, before the call: the attempt is one like any other. The next leader asks the
//     provider, which never heard of it, and cancels it there. These are the calls of a second.
//   - After the call: the next leader asks the provider, which says what it came to.
//
// A leader that was deposed and does not know it commits nothing, so none of its line is called.
// When nobody says whether pay_called was committed, the call is not made, and the attempt
// leaves the line: how it stands in the log then says whether the provider is asked.

const (
	// linedFrom is from which wait on an attempt stands in the line; a shorter one is not worth a
	// commit.
	linedFrom = time.Second
	// callsAheadFor is the time whose calls are committed ahead, and callsAheadMax how many at most.
	callsAheadFor = time.Second
	callsAheadMax = 256
	// callsPause is for how long nothing is committed after the log was overloaded.
	callsPause = 100 * time.Millisecond
)

// calls are what is committed of the line before its turn.
type calls struct {
	committing bool
	pausedTo   time.Time // nothing is committed before
	commits    uint64    // how often some were committed
	called     uint64    // of how many attempts
}

// errNotCalled is returned for an attempt that is not to be called any more.
var errNotCalled = errors.New("the attempt is over")

// callNext commits the calls of the next attempts when there is something to commit, and not
// enough is committed. The caller holds the lock.
func (l *line) callNext() {
	next := l.toCall()
	if len(next) == 0 {
		return
	}
	now := time.Now()
	if wait := max(l.pace.left(now)-callsAheadFor, l.calls.pausedTo.Sub(now)); wait > 0 { // a pause is no grace
		l.again(wait)
		return
	}
	l.calls.committing = true
	for _, p := range next {
		p.calling = true
	}
	l.start(func() { l.commitCalls(next) })
}

// toCall returns the attempts whose calls are to be committed now; nil while half of the next
// ones are. The caller holds the lock.
func (l *line) toCall() (next []*place) {
	ahead := l.waiting[classAttempt].places
	if l.calls.committing || len(ahead) == 0 {
		return nil
	}
	ahead = ahead[:min(len(ahead), l.callsAhead())]
	missing := 0
	for _, p := range ahead {
		if p.call != nil {
			missing++
		}
	}
	if missing == 0 || ahead[0].call == nil && missing <= len(ahead)/2 {
		return nil
	}
	next = make([]*place, 0, missing)
	for _, p := range ahead {
		if p.call != nil {
			next = append(next, p)
		}
	}
	return next
}

// callsAhead returns how many calls are committed ahead. The caller holds the lock.
func (l *line) callsAhead() int {
	return int(min(max(l.pace.inForce()*callsAheadFor.Seconds(), 1), callsAheadMax))
}

// commitCalls commits the calls of attempts, all at once. What is not called leaves the line.
func (l *line) commitCalls(next []*place) {
	errs := make([]error, len(next))
	var all sync.WaitGroup
	for i, p := range next {
		all.Go(func() { errs[i] = p.call() })
	}
	all.Wait()
	for _, p := range l.wereCalled(next, errs) {
		p.leave()
	}
}

// wereCalled takes in what came of commits, and returns who leaves.
func (l *line) wereCalled(next []*place, errs []error) (left []*place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls.committing = false
	l.calls.commits++
	for i, p := range next {
		p.calling = false
		switch {
		case errs[i] == nil:
			p.call = nil
			l.calls.called++
		case errors.Is(errs[i], sequencer.ErrOverloaded):
			l.calls.pausedTo = time.Now().Add(callsPause)
		case l.take(p):
			left = append(left, p)
		}
	}
	l.move()
	return left
}

// take takes an attempt out of the line; false when it is not in it. The caller holds the lock.
func (l *line) take(p *place) bool {
	q := &l.waiting[classAttempt]
	if !q.remove(p) {
		return false
	}
	if len(q.places) == 0 {
		l.busy = time.Time{}
	}
	return true
}

// expel lets an order's attempt leave the line whose call is not to be made any more, unless that
// is being committed, or was.
func (l *line) expel(order uint64) {
	l.mu.Lock()
	p := l.waiting[classAttempt].orders[order]
	if p == nil || p.call == nil || p.calling || !l.take(p) {
		l.mu.Unlock()
		return
	}
	l.move()
	l.mu.Unlock()
	p.leave()
}

// call commits that the provider is called for an attempt in the line, from its commit on.
func (d *Desk) call(a *attempt) error {
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayCalled, Order: a.order, Attempt: a.number})
	if err == nil && result.Code != sequencer.CodeOK {
		err = fmt.Errorf("%w: %s", errNotCalled, result.Code)
	}
	if err != nil {
		d.Wake() // somebody has to end it
		return err
	}
	a.called = true
	d.config.Reached(StepCalled)
	return nil
}

// endersMax bounds the attempts that are ended at once because they stand in no line.
const endersMax = 1024

// settleLined ends an attempt that stands in the line by the log, and in no line of this
// desk: another leader's died with its means of payment. One in this desk's line leaves it when its time
// there is over, or its sale was cancelled: it would not be called any more.
func (d *Desk) settleLined(v *sequencer.OrderView) {
	if v.Overdue || d.isCancelled(v.SaleID) {
		d.line.expel(v.Seq)
	}
	if d.stop.Err() != nil || !d.claim(v.Seq) {
		return
	}
	if !d.takeSettler(d.enders) {
		d.release(v.Seq)
		return
	}
	order := v.Seq
	d.finished.Go(func() {
		defer func() { <-d.enders }()
		defer d.release(order)
		if view, known := d.order(order); known && view.Lined {
			_, _, _ = d.endLined(&view) // what fails is tried by the next look
		}
	})
}

// endLined commits that an attempt is over which stands in no line, and of which the provider
// never heard. The caller has claimed the order.
func (d *Desk) endLined(v *sequencer.OrderView) (Status, sequencer.Result, error) {
	status := Status{Phase: Cancelled, Reason: sequencer.ReasonUnavailable}
	if d.isCancelled(v.SaleID) {
		status.Reason = sequencer.ReasonNone
	}
	result, err := d.settle(v.Seq, v.Attempts, status)
	if err == nil && result.Code == sequencer.CodeOK {
		d.counters.unheard.Add(1)
	}
	return status, result, err
}
