package audit

import (
	"fmt"
	"time"

	"onsale/sequencer"
)

// bookedDeclines are a user's declined attempts since the first of an hour.
type bookedDeclines struct {
	since int64
	count int
}

// declined books that the newest attempt of an order was declined.
func (l *Ledger) declined(o *bookedOrder) {
	o.declines++
	b := l.refused[o.user]
	if b.count == 0 || l.now-b.since >= int64(time.Hour) {
		b = bookedDeclines{since: l.now}
	}
	b.count++
	l.refused[o.user] = b
}

// tried books that an attempt begins: not one too many, not too soon after the last, and not
// of a user who was declined too often within the hour.
func (l *Ledger) tried(o *bookedOrder) {
	many := int64(o.attempts) >= sequencer.AttemptsMax
	often := o.declines >= sequencer.DeclinesFree || o.attempts >= sequencer.AttemptsFree
	soon := often && l.now-o.triedAt < sequencer.AttemptPause
	user := l.refused[o.user]
	tester := user.count >= sequencer.UserDeclinesMax && l.now-user.since < sequencer.UserDeclinesWindow
	if many || soon || tester {
		l.findings.report(checkAttempts, o.seq, "none yet", clock(l.now),
			fmt.Sprintf("%d attempts, %d declined, the last at %s", o.attempts, o.declines, clock(o.triedAt)), user.count)
	}
	o.triedAt = l.now
}
