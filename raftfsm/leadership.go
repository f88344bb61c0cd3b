package raftfsm

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"onsale/internal/failpoint"
	"onsale/raftfsm/folder"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// barrierTimeout is how long earlier terms' entries may take to be applied, until this node
// should not lead.
const barrierTimeout = 10 * time.Second

// errDeposed is what a leader gives up taking office with.
var errDeposed = errors.New("this node does not lead any more")

// leadership is whether this node leads, and what follows from it: it opens the inbox
// when raft elected this node and shuts it when another one leads.
type leadership struct {
	nodeID  string
	owner   *folder.Owner
	logger  *slog.Logger
	life    *lifecycle
	raft    *raft.Raft
	machine *machine
	inbox   *inbox.Inbox
	batcher *batcher
	clock   *logClock
	fence   *fence
	// callOthers asks who is at the other members' addresses.
	callOthers func()
	// voters returns their ids.
	voters func() []string

	changed chan bool // raft tells when this node is elected and deposed
	// hung says that the disk or the decisions hang, and hangs, of capacity 1, that it changed.
	hung  atomic.Bool
	hangs chan struct{}
	// late is since when this node was elected and could not apply what was before its term;
	// nil while it could, or has not tried for long.
	late atomic.Pointer[time.Time]
	// following is follow, which must end before raft stops.
	following sync.WaitGroup
	elections atomic.Uint64
}

// follow opens the inbox when this node is elected and shuts it when it is deposed.
// Until the barrier of the new term was applied, nothing is taken: raft tells that a
// node leads before its state has everything that is committed.
func (l *leadership) follow() {
	for {
		select {
		case <-l.life.stop:
			return
		case leads := <-l.changed:
			if leads {
				l.begin()
			} else {
				l.end()
			}
		case <-l.hangs:
			l.heed()
		}
	}
}

// setHung says whether the disk or the decisions hang. It waits for nobody. While they do,
// this node takes no requests, and who waits is told that the outcome is unknown.
func (l *leadership) setHung(hung bool) {
	if l.hung.Swap(hung) != hung {
		signal(l.hangs)
	}
	if !hung {
		return
	}
	l.leave()
	l.batcher.abandon(ErrStalled)
}

// leave leaves the office, if this node has it.
func (l *leadership) leave() {
	if l.batcher.leading.Swap(false) {
		l.fence.shut(sequencer.ErrNoLeader)
		l.logger.Error("this node takes no requests while its disk or its decisions hang", "node", l.nodeID)
	}
}

// heed takes the office again when nothing hangs any more and raft has elected nobody else
// meanwhile.
func (l *leadership) heed() {
	if !l.hung.Load() && !l.batcher.leading.Load() && l.raft.State() == raft.Leader {
		l.begin()
	}
}

func (l *leadership) begin() {
	l.callOthers()
	defer l.late.Store(nil)
	for {
		if l.fence.err() != nil {
			return
		}
		err := l.await(func() raft.Future { return l.raft.Barrier(barrierTimeout) })
		if err == nil {
			err = l.ensureBirth()
		}
		if err == nil {
			break
		}
		if errors.Is(err, ErrBirth) {
			l.life.fatal(err)
			return
		}
		l.logger.Warn("leader could not apply its log yet", "error", err)
		l.life.wait(watchInterval) // for raft to say that the lead is lost, if it is
		if l.life.stopping() || len(l.changed) > 0 {
			return
		}
		l.isLate()
	}

	failpoint.Hit(failpoint.TakeOffice)
	_, reached, _ := l.machine.stateHash()
	l.clock.takeOffice(reached, l.fence.clocks(l.voters()))
	l.batcher.sent.Store(reached) // the first batch says whether there was an outage since
	l.elections.Add(1)
	if l.life.stopping() || l.life.broken() || l.hung.Load() || !l.fence.open() { // see heed
		return
	}
	l.logger.Info("this node leads", "node", l.nodeID, "term", l.raft.CurrentTerm())
	l.inbox.Wake()
}

// await returns what a future of an elected node came to. When that takes barrierTimeout, the
// node should not lead, and waits on: raft ends nothing that it has begun. errDeposed when
// another one leads then.
func (l *leadership) await(begin func() raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- begin().Error() }() // which raft may never answer
	late := time.NewTimer(barrierTimeout)
	defer late.Stop()
	look := time.NewTicker(watchInterval)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-late.C:
			l.isLate()
		case <-look.C:
			if len(l.changed) > 0 && l.late.Load() != nil {
				return errDeposed
			}
		}
	}
}

// isLate notes that this node was elected and cannot take office.
func (l *leadership) isLate() {
	now := time.Now()
	l.late.CompareAndSwap(nil, &now)
}

func (l *leadership) end() {
	l.batcher.leading.Store(false)
	if l.life.stopping() {
		return
	}
	l.fence.shut(sequencer.ErrNoLeader)
	l.logger.Info("this node does not lead any more", "node", l.nodeID)
}

// leads reports whether this node takes requests.
func (l *leadership) leads() bool {
	return !l.life.broken() && l.batcher.leading.Load() && l.raft.State() == raft.Leader
}

// role returns raft's role, but calls a node that was elected and has not applied
// everything before its term yet a candidate: it takes no requests. A superseded node takes
// no part in raft, and has no role in it.
func (l *leadership) role() string {
	if l.fence.err() != nil {
		return "superseded"
	}
	state := l.raft.State()
	if state == raft.Leader && !l.leads() {
		state = raft.Candidate
	}
	return strings.ToLower(state.String())
}

// notLeader says who leads, as far as this node knows.
func (l *leadership) notLeader() error {
	address, id := l.raft.LeaderWithID()
	if string(id) == l.nodeID {
		return &sequencer.NotLeaderError{} // elected, but not in office yet
	}
	return &sequencer.NotLeaderError{LeaderID: string(id), LeaderAddress: string(address)}
}

// refusal explains an error of the inbox.
func (l *leadership) refusal(err error) error {
	if errors.Is(err, sequencer.ErrNoLeader) {
		return l.notLeader()
	}
	return err
}

// tell calls changed whenever this node hears who leads, until the node stops.
func (l *leadership) tell(changed func(id, address string)) {
	news := make(chan raft.Observation, 16)
	observer := raft.NewObserver(news, false, func(o *raft.Observation) bool {
		_, isLeader := o.Data.(raft.LeaderObservation)
		return isLeader
	})
	l.raft.RegisterObserver(observer)
	l.life.finished.Go(func() {
		defer l.raft.DeregisterObserver(observer)
		for {
			address, id := l.raft.LeaderWithID()
			changed(string(id), string(address))
			select {
			case <-l.life.stop:
				return
			case <-news:
			case <-time.After(time.Second): // a full channel drops news
			}
		}
	})
}
