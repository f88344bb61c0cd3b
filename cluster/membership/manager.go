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
	"onsale/sequencer"
)

// Config says when a node is healthy, and what it wants itself.
type Config struct {
	// LastContactMax is how long ago a healthy node may have heard the leader.
	LastContactMax time.Duration
	// TrailingEntriesMax is by how much log a healthy node may lag.
	TrailingEntriesMax uint64
	// StableTime is how long a learner must be healthy before it gets a vote.
	StableTime time.Duration
	// Version is this program's, and LevelMax the highest level that it speaks.
	Version  string
	LevelMax uint16
	// FrontEnds returns the front-ends that are connected to this node; nil is none.
	FrontEnds func() []FrontEnd
	// PseudonymKeys are the ids of this node's, the newest first, and PseudonymKeysAt is when it read
	// them.
	PseudonymKeys   []string
	PseudonymKeysAt time.Time
	// Certificates returns this node's certificates; nil is none.
	Certificates func() []Certificate
	// AuditTrouble returns since when this process cannot write its audit log, and why; nil is no
	// such log.
	AuditTrouble func() (since *time.Time, why string)
	// Facts returns what this process says of itself the night before; nil is nothing.
	Facts func(context.Context) Facts
	// TokenFileTrouble returns since when a file of this process' tokens does not load, and why;
	// nil is no such file.
	TokenFileTrouble func() (since *time.Time, why string)
	// DataDir is looked at for its size.
	DataDir string
	// Removed is told, once, when the cluster has removed this node: the process is to end.
	Removed func(error)
	Logger  *slog.Logger
}

// DefaultConfig returns Consul autopilot's values.
func DefaultConfig() Config {
	return Config{LastContactMax: 200 * time.Millisecond, TrailingEntriesMax: 250, StableTime: 10 * time.Second,
		LevelMax: sequencer.LevelMax, Removed: func(error) {}, Logger: slog.New(slog.DiscardHandler)}
}

// Manager is one node's part in the membership.
type Manager struct {
	config  Config
	node    Node
	members Members
	checks  Checks
	log     Log
	links   *forward.Links
	// there asks another member how it is: over its link, except in tests.
	there func(context.Context, raftfsm.Member) (*NodeStatus, string)

	// disk asks a member how much room it has, over its link, except in tests.
	disk func(context.Context, raftfsm.Member) (raftfsm.Disk, error)

	mu         sync.Mutex
	expect     []string                      // whom this node expects before there is a cluster
	candidates map[string]*candidate         // learners that wait for a vote, on the leader
	changing   sync.Mutex                    // one change at a time
	stop       context.Context               // the manager's life
	watched    atomic.Pointer[ClusterStatus] // see watch
	notes      notes
	dataBytes  atomic.Int64 // of the data folder, see measure
	cancel     context.CancelFunc
	finished   sync.WaitGroup
}

// candidate is a learner that wants a vote.
type candidate struct {
	healthySince time.Time // zero while it is not
}

// New returns a manager of a node, its members, its checks and its log; Close ends it.
func New(config Config, node Node, members Members, checks Checks, log Log) *Manager {
	m := &Manager{config: config, node: node, members: members, checks: checks, log: log, candidates: map[string]*candidate{},
		notes: notes{since: map[string]time.Time{}}}
	m.there, m.disk = m.askLink, m.askDisk
	m.stop, m.cancel = context.WithCancel(context.Background())
	return m
}

// Start begins to look after this node and, while it leads, after the learners. links lead to the other nodes.
func (m *Manager) Start(links *forward.Links) {
	m.links = links
	m.finished.Go(m.attend)
	m.finished.Go(m.promote)
	m.finished.Go(m.note)
	m.finished.Go(m.watch)
	m.finished.Go(m.check)
	m.finished.Go(m.watchStorage)
	m.node.MeetOthers(m.askFitness)
	go m.measure() // which may hang with the disk
}

// leads reports whether this node takes requests.
func (m *Manager) leads() bool { return m.node.Leader() == nil }

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
	case verbFacts:
		return encode(m.facts(ctx)), nil
	case verbDisk:
		is, err := m.node.Disk()
		return encode(is), err
	case verbFitness:
		var f fitness
		if err := decode(body, &f); err != nil {
			return nil, err
		}
		return encode(m.node.Fitness(f.TryDisk)), nil
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
		done, err := m.changeHere(ctx, &r)
		return encode(changed{done}), err
	case verbWaive:
		return []byte("{}"), m.members.AwaitVote(false)
	}
	return nil, fmt.Errorf("%w: verb %q", codes.ErrRequest, verb)
}
