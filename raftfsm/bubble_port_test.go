package raftfsm

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// port is one run of a node on the network: its raft.Transport.
type port struct {
	network   *network
	address   raft.ServerAddress
	requests  chan raft.RPC
	heartbeat atomic.Pointer[func(raft.RPC)]
	closing   sync.Once
	closed    chan struct{}
}

var (
	_ raft.Transport   = (*port)(nil)
	_ raft.WithPreVote = (*port)(nil)
	_ raft.WithClose   = (*port)(nil)
)

const (
	// answerMax is how long a node waits for an answer; snapshots get longer.
	answerMax = 200 * time.Millisecond
	// pipelineMax is how many appends are under way to one node, as
	// DefaultConfig has it.
	pipelineMax = 2
)

// open makes a port at an address, which must be free.
func (n *network) open(a raft.ServerAddress) *port {
	p := &port{network: n, address: a, requests: make(chan raft.RPC), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports[a] = p
	return p
}

// Close takes the port off the network: what it sent and was sent is lost.
func (p *port) Close() error {
	p.closing.Do(func() {
		p.network.mu.Lock()
		if p.network.ports[p.address] == p {
			delete(p.network.ports, p.address)
		}
		p.network.mu.Unlock()
		close(p.closed)
	})
	return nil
}

func (p *port) heartbeats() func(raft.RPC) {
	if handle := p.heartbeat.Load(); handle != nil {
		return *handle
	}
	return nil
}

// call sends a request and waits for its answer, which it copies. What travels is a copy
// made now, as encoding it makes one: raft uses a request again that got no answer in time,
// while the network may still deliver it.
func call[R any](p *port, to raft.ServerAddress, command any, snapshot []byte, timeout time.Duration, into *R) error {
	answer := make(chan raft.RPCResponse, 1)
	go p.network.carry(message{link{p.address, to}, cloneCommand(command), snapshot}, answer)
	select {
	case response := <-answer:
		if got, ok := response.Response.(*R); ok && got != nil {
			*into = *got
		}
		return response.Error
	case <-time.After(timeout):
		return errTimedOut
	case <-p.closed:
		return raft.ErrTransportShutdown
	}
}

func (p *port) Consumer() <-chan raft.RPC                               { return p.requests }
func (p *port) LocalAddr() raft.ServerAddress                           { return p.address }
func (p *port) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte { return []byte(a) }
func (p *port) DecodePeer(data []byte) raft.ServerAddress               { return raft.ServerAddress(data) }
func (p *port) SetHeartbeatHandler(handle func(raft.RPC))               { p.heartbeat.Store(&handle) }

func (p *port) AppendEntries(_ raft.ServerID, to raft.ServerAddress, c *raft.AppendEntriesRequest, r *raft.AppendEntriesResponse) error {
	return call(p, to, c, nil, answerMax, r)
}

func (p *port) RequestVote(_ raft.ServerID, to raft.ServerAddress, c *raft.RequestVoteRequest, r *raft.RequestVoteResponse) error {
	return call(p, to, c, nil, answerMax, r)
}

func (p *port) RequestPreVote(_ raft.ServerID, to raft.ServerAddress, c *raft.RequestPreVoteRequest, r *raft.RequestPreVoteResponse) error {
	return call(p, to, c, nil, answerMax, r)
}

func (p *port) TimeoutNow(_ raft.ServerID, to raft.ServerAddress, c *raft.TimeoutNowRequest, r *raft.TimeoutNowResponse) error {
	return call(p, to, c, nil, answerMax, r)
}

func (p *port) InstallSnapshot(_ raft.ServerID, to raft.ServerAddress, c *raft.InstallSnapshotRequest, r *raft.InstallSnapshotResponse, data io.Reader) error {
	return call(p, to, c, readAll(data), 4*answerMax, r)
}

// AppendEntriesPipeline returns a way to send appends before the last is answered.
// They may overtake each other.
func (p *port) AppendEntriesPipeline(_ raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	l := &pipeline{port: p, to: to, underWay: make(chan *pipelined, pipelineMax), done: make(chan raft.AppendFuture), closed: make(chan struct{})}
	go l.answer()
	return l, nil
}

type pipeline struct {
	port     *port
	to       raft.ServerAddress
	underWay chan *pipelined
	done     chan raft.AppendFuture
	closing  sync.Once
	closed   chan struct{}
}

// pipelined is an append under way.
type pipelined struct {
	started  time.Time
	request  *raft.AppendEntriesRequest
	response *raft.AppendEntriesResponse
	answered chan struct{} // closed when err is known
	err      error
}

func (f *pipelined) Error() error                          { <-f.answered; return f.err }
func (f *pipelined) Start() time.Time                      { return f.started }
func (f *pipelined) Request() *raft.AppendEntriesRequest   { return f.request }
func (f *pipelined) Response() *raft.AppendEntriesResponse { return f.response }

func (l *pipeline) AppendEntries(c *raft.AppendEntriesRequest, r *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	f := &pipelined{started: time.Now(), request: c, response: r, answered: make(chan struct{})}
	select {
	case l.underWay <- f:
	case <-l.closed:
		return nil, raft.ErrPipelineShutdown
	case <-l.port.closed:
		return nil, raft.ErrTransportShutdown
	}
	go func() {
		f.err = call(l.port, l.to, c, nil, answerMax, r)
		close(f.answered)
	}()
	return f, nil
}

// answer tells of the appends in the order in which they were sent.
func (l *pipeline) answer() {
	for {
		select {
		case f := <-l.underWay:
			<-f.answered
			select {
			case l.done <- f:
			case <-l.closed:
				return
			}
		case <-l.closed:
			return
		}
	}
}

func (l *pipeline) Consumer() <-chan raft.AppendFuture { return l.done }

func (l *pipeline) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return nil
}
