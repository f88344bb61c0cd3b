package forward

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/raftfsm/view"
	"onsale/sequencer"
)

// single is a node without raft: it shows what was applied to it, and leads or does not.
type single struct {
	mu      sync.Mutex
	state   *sequencer.State
	height  uint64
	leads   bool
	closed  error // why it takes nothing; nil while it may
	sales   *view.Sales
	changes *view.Changes
}

func newSingle() *single {
	return &single{state: sequencer.New(), sales: view.NewSales(), changes: view.NewChanges()}
}

// apply decides one batch on some nodes.
func apply(t testing.TB, commands []sequencer.Command, nodes ...*single) []sequencer.Result {
	t.Helper()
	var d sequencer.Decisions
	for _, n := range nodes {
		d = sequencer.Decisions{}
		n.mu.Lock()
		n.state.Apply(&sequencer.Batch{Time: n.state.Now() + 1, Commands: commands}, &d)
		n.sales.Update(n.state)
		n.height++
		at := n.state.Position()
		n.mu.Unlock()
		n.sales.Applied(n.state.Seq(), at)
		n.changes.Note(n.height, commands, &d)
	}
	for i, r := range d.Results {
		if r.Code != sequencer.CodeOK {
			t.Fatalf("command %d: %+v", i, r)
		}
	}
	return d.Results
}

func (n *single) Leader() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed != nil {
		return n.closed
	}
	if !n.leads {
		return &sequencer.NotLeaderError{}
	}
	return nil
}

func (n *single) Decide(*sequencer.Command) (sequencer.Result, error) {
	return sequencer.Result{}, sequencer.ErrOverloaded
}

func (n *single) DecideMany([]byte, int, []sequencer.Result) error { return sequencer.ErrOverloaded }
func (n *single) Past(uint64, []sequencer.Result) error            { return codes.ErrToldNoMore }
func (n *single) Load() float64                                    { return 0.25 }
func (n *single) AppliedSeq() uint64                               { return n.sales.Seq() }
func (n *single) AppliedPosition() sequencer.Position              { return n.sales.Position() }
func (n *single) Sales() []sequencer.SaleView                      { return n.sales.All() }

func (n *single) ReadIndex(context.Context) (uint64, error) { return n.sales.Seq(), n.Leader() }

func (n *single) WaitApplied(ctx context.Context, seq uint64) error { return n.sales.Wait(ctx, seq) }

func (n *single) SalesAfter(seq uint64, time int64) []sequencer.SaleView {
	return n.sales.After(seq, time)
}

func (n *single) SaleByID(id string) (*sequencer.SaleView, bool) { return n.sales.ByID(id) }

func (n *single) Read(read func(sequencer.Reader)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	read(n.state)
}

func (n *single) Changes(height uint64) ([]uint64, uint64, bool) { return n.changes.After(height) }

func (n *single) WaitChanges(ctx context.Context, height uint64) { n.changes.Wait(ctx, height) }

// office answers administration and payments with what it was asked.
type office struct{}

func (office) Control(_ context.Context, from peer.Identity, verb string, body []byte) ([]byte, error) {
	if verb == "refuse" {
		return nil, codes.ErrRefused
	}
	return fmt.Appendf(nil, `{"from":%q,"verb":%q,"body":%s}`, from.ID, verb, body), nil
}

func (office) Payment(_ context.Context, from peer.Identity, verb byte, body []byte) ([]byte, error) {
	if verb == 9 {
		return []byte("half"), codes.ErrRefused
	}
	return fmt.Appendf(nil, "%s %d %s", from.ID, verb, body), nil
}

// served is a single node with its door and its server, on a network in memory.
type served struct {
	*single
	replica   *Replica
	server    *Server
	listener  *peer.Listener
	directory *Directory
}

// startServed starts node id; change may be nil.
func startServed(t testing.TB, network *memory, id string, n *single, payments Payments, change func(*ServerConfig)) *served {
	return startServedOf(t, network, id, n, nil, payments, change)
}

// startServedOf does the same with a node of a cluster.
func startServedOf(t testing.TB, network *memory, id string, n *single, births peer.Lineage, payments Payments, change func(*ServerConfig)) *served {
	config := peer.DefaultConfig()
	config.ID, config.Dial = id, network.dial
	config.Cluster = func() (peer.Lineage, uint8) { return births, 0 }
	return startServedAs(t, network, n, config, payments, change)
}

// startServedAs does the same with a node that meets others as it is told to.
func startServedAs(t testing.TB, network *memory, n *single, config peer.Config, payments Payments, change func(*ServerConfig)) *served {
	limits := Limits{8192, 1 << 18}
	s := &served{single: n, directory: NewDirectory([]string{"n1", "n2"}), listener: peer.NewListener(network.listen(config.ID), config)}
	s.replica = NewReplica(n, NewClient(playedConfig(), &config, s.directory, n, limits))
	serving := DefaultServerConfig(limits)
	if change != nil {
		change(&serving)
	}
	s.server = NewServer(serving, n, s.replica, office{}, payments)

	var running sync.WaitGroup
	running.Go(func() { s.listener.Serve() })
	running.Go(func() { s.server.Serve(s.listener.Service(peer.Forward)) })
	t.Cleanup(func() { s.stop(); running.Wait() })
	return s
}

// stop ends the node, once or twice.
func (s *served) stop() {
	s.listener.Close()
	s.server.Close()
	s.replica.Close()
}

func playedConfig() ClientConfig {
	config := DefaultClientConfig()
	config.DecideTimeout, config.AttemptTimeout = playedDecideTimeout, playedAttemptTimeout
	return config
}

// gig is a sale with some orders of some users.
func gig(users ...string) []sequencer.Command {
	spec := sequencer.SaleSpec{ID: "gig", Item: "Gig", Quantity: 100, Cap: 9, Currency: "EUR", Hold: int64(time.Hour), Grace: 1}
	commands := []sequencer.Command{{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}}
	return append(commands, buys(users...)...)
}

func buys(users ...string) (commands []sequencer.Command) {
	for _, user := range users {
		commands = append(commands, *buyOf(user))
	}
	return commands
}
