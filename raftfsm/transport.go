package raftfsm

import (
	"sync"

	"github.com/hashicorp/raft"
)

// guarded is a transport that mends what raft v1.8.0 makes of one.
//
// Pipelines: when a follower refuses an append, raft's reader of answers goes away
// and its sender may send once more; with the two appends in flight that are the
// default, that one waits for ever for room that only the reader could make. The
// follower then hears heartbeats and gets no entry until another node leads, and the
// node that hangs so never stops (hashicorp/raft issue 612). So a pipeline ends with
// the first append that fails, whoever waits.
type guarded struct {
	raft.Transport
}

var (
	_ raft.WithPreVote = guarded{}
	_ raft.WithClose   = guarded{}
)

// RequestPreVote is raft.WithPreVote's; every transport of ours has it.
func (g guarded) RequestPreVote(id raft.ServerID, to raft.ServerAddress, c *raft.RequestPreVoteRequest, r *raft.RequestPreVoteResponse) error {
	return g.Transport.(raft.WithPreVote).RequestPreVote(id, to, c, r)
}

// Close is raft.WithClose's.
func (g guarded) Close() error {
	if network, ok := g.Transport.(*raft.NetworkTransport); ok {
		network.CloseStreams() // Close leaves pooled connections open
	}
	return g.Transport.(raft.WithClose).Close()
}

// AppendEntriesPipeline returns a pipeline that ends with its first failure.
func (g guarded) AppendEntriesPipeline(id raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	inner, err := g.Transport.AppendEntriesPipeline(id, to)
	if err != nil {
		return nil, err
	}
	p := &guardedPipeline{AppendPipeline: inner, answered: make(chan raft.AppendFuture), closed: make(chan struct{})}
	go p.forward()
	return p, nil
}

type guardedPipeline struct {
	raft.AppendPipeline
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
		if failed {
			p.AppendPipeline.Close() // frees a sender that waits; the error is in f
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
