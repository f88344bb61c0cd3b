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
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// barrierTimeout bounds the wait for earlier terms' entries to be applied. It is
// retried while this node leads.
const barrierTimeout = 10 * time.Second

// leadership is whether this node leads, and what follows from it: it opens the inbox
// when raft elected this node and shuts it when another one leads.
type leadership struct {
	nodeID  string
	logger  *slog.Logger
	life    *lifecycle
	raft    *raft.Raft
	machine *machine
	inbox   *inbox.Inbox
	batcher *batcher
	clock   *logClock

	changed chan bool // raft tells when this node is elected and deposed
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
		}
	}
}

func (l *leadership) begin() {
	for {
		err := l.raft.Barrier(barrierTimeout).Error()
		if err == nil {
			break
		}
		l.logger.Warn("leader could not apply its log yet", "error", err)
		time.Sleep(watchInterval) // for raft to say that the lead is lost, if it is
		if l.life.stopping() || len(l.changed) > 0 {
			return
		}
	}

	failpoint.Hit(failpoint.TakeOffice)
	_, reached, _ := l.machine.stateHash()
	l.clock.takeOffice(reached)
	l.elections.Add(1)
	if l.life.stopping() || l.life.broken() {
		return
	}
	l.logger.Info("this node leads", "node", l.nodeID, "term", l.raft.CurrentTerm())
	l.inbox.Open()
	l.batcher.leading.Store(true)
	l.inbox.Wake()
}

func (l *leadership) end() {
	l.batcher.leading.Store(false)
	if l.life.stopping() {
		return
	}
	l.inbox.Shut(sequencer.ErrNoLeader)
	l.logger.Info("this node does not lead any more", "node", l.nodeID)
}

// leads reports whether this node takes requests.
func (l *leadership) leads() bool {
	return !l.life.broken() && l.batcher.leading.Load() && l.raft.State() == raft.Leader
}

// role returns raft's role, but calls a node that was elected and has not applied
// everything before its term yet a candidate: it takes no requests.
func (l *leadership) role() string {
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
