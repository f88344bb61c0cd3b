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

var (
	// errStalled is what a hung disk ends the process with.
	errStalled = errors.New("storing the raft log hangs")
	errClock   = errors.New("the wall clock has left the log's time")
)

// watchdog looks after what nobody waits for: it ends the process when storing the log
// hangs, raises the alarm when the wall clock leaves the log's time, and takes
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

	snapshotting atomic.Bool   // a snapshot that was due is being taken
	clockAlarm   atomic.Bool   // this node leads, and the wall clock left the log's time
	clockAlarms  atomic.Uint64 // how often that began
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
		w.clockAlarm.Store(w.checkClock())
		if w.raft.LastIndex() > 0 {
			if err := w.data.Owner.MarkStarted(); err != nil {
				w.life.fatal(err)
			}
		}
		w.snapshotWhenDue()
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

func (w *watchdog) checkStall() {
	if w.data.Log.Storing() > w.config.StallMax {
		w.life.fatal(errStalled)
	}
}

// checkClock reports whether the wall clock of a leader has left the log's time.
func (w *watchdog) checkClock() bool {
	if !w.batcher.leading.Load() {
		return false
	}
	off := w.clock.disagreement()
	wrong := off > ClockAlarm || off < -ClockAlarm
	if wrong && !w.clockAlarm.Load() {
		w.clockAlarms.Add(1)
		w.config.Logger.Error("the wall clock left the log's time; the log's time goes on", "ahead_seconds", off.Seconds())
	}
	return wrong
}

// clockError says by how much the clocks disagree; nil when they do not.
func (w *watchdog) clockError() error {
	if !w.clockAlarm.Load() {
		return nil
	}
	return fmt.Errorf("%w by %v", errClock, w.clock.disagreement().Round(time.Millisecond))
}
