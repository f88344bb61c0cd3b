package transport

import (
	"sync"

	"github.com/hashicorp/raft"
)

// Guarded is a transport that mends what raft v1.8.0 makes of one.
//
// Pipelines: when a follower refuses an append, raft's reader of answers goes away
// and its sender may send once more; with the two appends in flight that are the
// default, that one waits for ever for room that only the reader could make. The
// follower then hears heartbeats and gets no entry until another node leads, and the
// node that hangs so never stops (hashicorp/raft issue 612). So a pipeline ends with
// the first append that fails, whoever waits.
//
// Heartbeats: see SetHeartbeatHandler. Commit indices: see boundCommit, and Heard. Snapshots: see Installer. Members that lag or
// do not answer: see Peers.
type Guarded struct {
	raft.Transport
	heard    *Heard
	peers    *Peers
	follows  func(term uint64) bool
	requests chan raft.RPC
	closed   chan struct{}
	once     *sync.Once
	beside   *besides
}

var (
	_ raft.WithPreVote = Guarded{}
	_ raft.WithClose   = Guarded{}
)

// Guard guards a transport; i decides about the snapshots that come, h hears how far
// leaders have committed, and p how far the others are.
func Guard(t raft.Transport, i Installer, h *Heard, p *Peers) Guarded {
	g := Guarded{t, h, p, i.Follows, make(chan raft.RPC), make(chan struct{}), new(sync.Once), new(besides)}
	go g.receive(i)
	return g
}

// receive hands requests to raft: appends with a commit index that they vouch for, and
// not the snapshots that it must not install.
func (g Guarded) receive(i Installer) {
	for {
		select {
		case rpc := <-g.Transport.Consumer():
			g.heard.receive(rpc.Command)
			if !i.receive(&rpc) || !i.asked(&rpc) {
				continue
			}
			boundCommit(&rpc)
			select {
			case g.requests <- rpc:
			case <-g.closed:
				return
			}
		case <-g.closed:
			return
		}
	}
}

// Consumer returns the requests for raft.
func (g Guarded) Consumer() <-chan raft.RPC { return g.requests }

// RequestPreVote is raft.WithPreVote's; every transport of ours has it.
func (g Guarded) RequestPreVote(id raft.ServerID, to raft.ServerAddress, c *raft.RequestPreVoteRequest, r *raft.RequestPreVoteResponse) error {
	return g.Transport.(raft.WithPreVote).RequestPreVote(id, to, c, r)
}

// Close is raft.WithClose's. No heartbeat is with raft when it returns: one that found it stopped would
// note a term in a store that may be closed from then on.
func (g Guarded) Close() error {
	g.once.Do(func() { close(g.closed) })
	g.beside.end()
	if network, ok := g.Transport.(*raft.NetworkTransport); ok {
		network.CloseStreams() // Close leaves pooled connections open
	}
	return g.Transport.(raft.WithClose).Close()
}

// AppendEntriesPipeline returns a pipeline that ends with its first failure.
func (g Guarded) AppendEntriesPipeline(id raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	inner, err := g.Transport.AppendEntriesPipeline(id, to)
	if err != nil {
		return nil, err
	}
	p := &guardedPipeline{AppendPipeline: inner, peers: g.peers, id: id, answered: make(chan raft.AppendFuture), closed: make(chan struct{})}
	go p.forward()
	return p, nil
}

type guardedPipeline struct {
	raft.AppendPipeline
	peers    *Peers
	id       raft.ServerID
	answered chan raft.AppendFuture
	once     sync.Once
	closed   chan struct{}
}

// forward hands answers on. The failed one is still handed on: raft looks in it for
// a newer term.
func (p *guardedPipeline) forward() {
	for {
		var f raft.AppendFuture
		select {
		case f = <-p.AppendPipeline.Consumer():
		case <-p.closed:
			return
		}
		failed := f.Error() != nil || !f.Response().Success
		if f.Error() == nil {
			p.peers.answered(p.id, f.Request(), f.Response())
		}
		if failed {
			_ = p.AppendPipeline.Close() // frees a sender that waits; the error is in f
		}
		select {
		case p.answered <- f:
		case <-p.closed:
			return
		}
		if failed {
			return
		}
	}
}

// Consumer returns the channel of the answers, in the order of the appends.
func (p *guardedPipeline) Consumer() <-chan raft.AppendFuture { return p.answered }

// Close ends the pipeline.
func (p *guardedPipeline) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.AppendPipeline.Close()
}
