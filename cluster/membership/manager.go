package membership

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"onsale/cluster/codes"
	"onsale/cluster/forward"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
)

// Config says when a node is healthy, and what it wants itself.
type Config struct {
	// LastContactMax is how long ago a healthy node may have heard the leader.
	LastContactMax time.Duration
	// TrailingEntriesMax is by how much log a healthy node may lag.
	TrailingEntriesMax uint64
	// StableTime is how long a learner must be healthy before it gets a vote.
	StableTime time.Duration
	// Version is this program's.
	Version string
	// DataDir is looked at for its size.
	DataDir string
	Logger  *slog.Logger
}

// DefaultConfig returns Consul autopilot's values.
func DefaultConfig() Config {
	return Config{LastContactMax: 200 * time.Millisecond, TrailingEntriesMax: 250, StableTime: 10 * time.Second,
		Logger: slog.New(slog.DiscardHandler)}
}

// Manager is one node's part in the membership.
type Manager struct {
	config  Config
	node    Node
	members Members
	checks  Checks
	links   *forward.Links
	// there asks another member how it is: over its link, except in tests.
	there func(context.Context, raftfsm.Member) (*NodeStatus, string)

	mu         sync.Mutex
	expect     []string                      // whom this node expects before there is a cluster
	candidates map[string]*candidate         // learners that wait for a vote, on the leader
	changing   sync.Mutex                    // one change at a time
	stop       context.Context               // the manager's life
	watched    atomic.Pointer[ClusterStatus] // see watch
	cancel     context.CancelFunc
	finished   sync.WaitGroup
}

// candidate is a learner that wants a vote.
type candidate struct {
	healthySince time.Time // zero while it is not
}

// New returns a manager of a node, its members and its checks; Close ends it.
func New(config Config, node Node, members Members, checks Checks) *Manager {
	m := &Manager{config: config, node: node, members: members, checks: checks, candidates: map[string]*candidate{}}
	m.there = m.askLink
	m.stop, m.cancel = context.WithCancel(context.Background())
	return m
}

// Start begins to look after the learners. links lead to the other nodes.
func (m *Manager) Start(links *forward.Links) {
	m.links = links
	m.finished.Go(m.promote)
	m.finished.Go(m.watch)
	m.finished.Go(m.check)
}

// Close ends the manager.
func (m *Manager) Close() error {
	m.cancel()
	m.finished.Wait()
	return nil
}

// Control answers other processes (forward.Control).
func (m *Manager) Control(ctx context.Context, from peer.Identity, verb string, body []byte) ([]byte, error) {
	if from.Role != peer.Node && verb != verbStatus {
		return nil, fmt.Errorf("%w: %s is for nodes, %q is none", codes.ErrRejected, verb, from.ID)
	}
	switch verb {
	case verbProbe:
		return encode(m.own()), nil
	case verbStatus:
		return encode(m.nodeStatus()), nil
	case verbCheckpoints:
		return encode(m.checks.Newest()), nil
	case verbJoin:
		var j join
		if err := decode(body, &j); err != nil {
			return nil, err
		}
		if j.Node.ID != from.ID {
			return nil, fmt.Errorf("%w: node %q asks to join as %q", codes.ErrRejected, from.ID, j.Node.ID)
		}
		answer, err := m.admit(ctx, &j)
		return encode(answer), err
	case verbChange:
		var r Request
		if err := decode(body, &r); err != nil {
			return nil, err
		}
		return []byte("{}"), m.changeHere(ctx, &r)
	}
	return nil, fmt.Errorf("%w: verb %q", codes.ErrRequest, verb)
}
