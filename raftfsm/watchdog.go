package raftfsm

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
)

// watchInterval is how often the watchdog looks.
const watchInterval = 50 * time.Millisecond

var errClock = errors.New("the wall clock has left the log's time")

// watchdog looks after what nobody waits for: it does what is to be done when the disk or the
// decisions hang (stalls), raises the alarm when the wall clock leaves the log's time, and takes
// snapshots by the log's length. raft itself looks only every 20 to 40 seconds, in
// which a log can grow by several times what a restart should have to read.
type watchdog struct {
	config  *Config
	life    *lifecycle
	raft    *raft.Raft
	data    *folder.Folder
	machine *machine
	batcher *batcher
	clock   *logClock
	fence   *fence
	stalls  *stalls
	office  *office

	leadership   *leadership
	snapshotting atomic.Bool // a snapshot that was due is being taken
	// clockOffSince is since when the wall clock is too far from the log's time, by itself;
	// nil when it is not.
	clockOffSince atomic.Pointer[time.Time]
	clockAlarms   atomic.Uint64 // how often that began
}

// watch runs until the node stops.
func (w *watchdog) watch() {
	ticker := time.NewTicker(min(watchInterval, w.config.StallMax/2))
	defer ticker.Stop()
	for {
		select {
		case <-w.life.stop:
			return
		case <-ticker.C:
		}
		w.checkStall()
		w.checkClock()
		w.snapshotWhenDue()
	}
}

// markStarted notes that raft has written here, as soon as it has. It may hang with the disk,
// which the watchdog must not.
func (w *watchdog) markStarted() {
	for ; !w.life.stopping(); w.life.wait(watchInterval) {
		if w.raft.LastIndex() == 0 {
			continue
		}
		if err := w.data.Owner.MarkStarted(); err != nil {
			w.life.fatal(err)
		}
		return
	}
}

// snapshotWhenDue begins a snapshot when a restart would have too much to replay.
func (w *watchdog) snapshotWhenDue() {
	if w.life.broken() {
		return
	}
	entries, bytes := w.machine.sinceSnapshot()
	if entries <= w.config.SnapshotEntries && bytes <= w.config.SnapshotBytes || !w.snapshotting.CompareAndSwap(false, true) {
		return
	}
	w.life.finished.Go(func() {
		defer w.snapshotting.Store(false)
		if err := snapshotNow(w.raft); err != nil && !w.life.stopping() {
			w.config.Logger.Error("snapshot failed", "error", err)
		}
	})
}

// checkStall does what stalls says. Who ends the process is cut off from the others at once:
// they hear a leader whose disk hangs, and elect another one when they do not.
func (w *watchdog) checkStall() {
	w.stalls.look()
	store, storing := w.stalls.longest(partStore)
	decide, deciding := w.stalls.longest(partDecide)
	w.leadership.setHung(max(storing, deciding) >= w.config.StallMax)
	if storing >= w.config.StallMax/2 {
		w.office.askDisks()
	}
	switch {
	case storing >= w.config.stallTogether(), storing >= w.config.StallMax && !w.office.isExcused():
		w.end(stalledError(store, storing))
	case deciding >= w.config.stallTogether():
		w.end(stalledError(decide, deciding))
	}
}

func (w *watchdog) end(why error) {
	w.fence.raft.cut(why)
	w.life.fatal(why)
}

// checkClock looks whether this node's wall clock has left the log's time: a leader's own, or
// the one that a member hears.
func (w *watchdog) checkClock() {
	by, known := w.clockAhead()
	wrong := known && (by > ClockAlarm || by < -ClockAlarm)
	before := w.clockOffSince.Load()
	switch now := w.config.Clock.Now(); {
	case wrong && before == nil:
		w.clockAlarms.Add(1)
		w.clockOffSince.Store(&now)
		w.config.Logger.Error("the wall clock left the log's time; the log's time goes on", "ahead_seconds", by.Seconds())
	case !wrong && before != nil:
		w.clockOffSince.Store(nil)
	}
}

func (w *watchdog) clockAhead() (by time.Duration, known bool) {
	if w.batcher.leading.Load() {
		return w.clock.disagreement(), true
	}
	return w.clock.ahead()
}

// clockOff returns how far the wall clock is ahead, in seconds, and since when that is too
// far; nil when it is not.
func (w *watchdog) clockOff() (seconds float64, since *time.Time) {
	by, _ := w.clockAhead()
	return by.Seconds(), w.clockOffSince.Load()
}

// clockError says by how much the clocks disagree; nil when they do not.
func (w *watchdog) clockError() error {
	if w.clockOffSince.Load() == nil {
		return nil
	}
	by, _ := w.clockAhead()
	return fmt.Errorf("%w by %v", errClock, by.Round(time.Millisecond))
}
