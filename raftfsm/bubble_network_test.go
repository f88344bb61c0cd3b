package raftfsm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// network carries raft's messages between the nodes of one world, and loses, delays,
// doubles and holds them as it is told. Its chances come from the world's seed.
type network struct {
	mu     sync.Mutex
	random *rand.Rand
	ports  map[raft.ServerAddress]*port
	cuts   map[link]int // how many faults cut a link; one way
	rain   weather      // over all links
	frozen map[raft.ServerAddress]time.Time
	newest map[link]time.Time // arrival of the newest message that was not held up
	struck map[string]int     // messages by what befell them
}

type link struct{ from, to raft.ServerAddress }

// weather is what may befall each message.
type weather struct {
	loss, double float64       // chances
	delay        time.Duration // up to
}

// latencyMax is how long a message takes in fair weather.
const latencyMax = time.Millisecond

func newNetwork(seed uint64) *network {
	return &network{random: rand.New(rand.NewPCG(seed, 'n')), ports: map[raft.ServerAddress]*port{}, cuts: map[link]int{},
		frozen: map[raft.ServerAddress]time.Time{}, newest: map[link]time.Time{}, struck: map[string]int{}}
}

// cut closes (by 1) or opens again (by -1) links, one way each.
func (n *network) cut(links []link, by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range links {
		n.cuts[l] = max(0, n.cuts[l]+by)
	}
}

// heal ends everything that was done to the network; what is under way arrives.
func (n *network) heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cuts)
	n.rain = weather{}
}

func (n *network) setWeather(w weather) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rain = w
}

// freeze holds all messages from and to a node for a time, as a paused process does.
func (n *network) freeze(a raft.ServerAddress, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen[a] = time.Now().Add(d)
}

// thawed returns when none of the nodes is frozen any more.
func (n *network) thawed(addresses ...raft.ServerAddress) {
	for _, a := range addresses {
		n.mu.Lock()
		until := n.frozen[a]
		n.mu.Unlock()
		time.Sleep(time.Until(until))
	}
}

// fate is what befalls one message.
type fate struct {
	lost, double  bool
	delay, behind time.Duration // of the message, and of its double behind it
}

func (n *network) fate(l link, kind string) fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	// In fair weather messages keep their order, as on one connection.
	arrives := time.Now().Add(time.Duration(n.random.Int64N(int64(latencyMax))))
	if newest := n.newest[l]; !arrives.After(newest) {
		arrives = newest.Add(1)
	}
	n.newest[l] = arrives
	f := fate{delay: time.Until(arrives)}
	switch {
	case n.cuts[l] > 0:
		f.lost = true
		n.struck["cut "+kind]++
	case n.random.Float64() < n.rain.loss:
		f.lost = true
		n.struck["lost "+kind]++
	}
	if n.rain.delay > 0 && n.random.IntN(4) == 0 {
		f.delay += time.Duration(n.random.Int64N(int64(n.rain.delay)))
		n.struck["delayed "+kind]++
	}
	if n.random.Float64() < n.rain.double && !f.lost {
		f.double, f.behind = true, time.Duration(n.random.Int64N(int64(n.rain.delay+latencyMax)))
		n.struck["doubled "+kind]++
	}
	return f
}

func (n *network) port(a raft.ServerAddress) *port {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ports[a]
}

var (
	errTimedOut = errors.New("no answer in time")
	errRefused  = errors.New("connection refused")
)

// message is one request on its way.
type message struct {
	link
	command  any
	snapshot []byte
}

func (m *message) kind() string {
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", m.command), "*raft."), "Request")
}

// carry brings a request there and its answer back, whether or not anybody still
// waits for it.
func (n *network) carry(m message, answer chan<- raft.RPCResponse) {
	f := n.fate(m.link, m.kind())
	if f.lost {
		return
	}
	time.Sleep(f.delay)
	if f.double {
		go func() {
			time.Sleep(f.behind)
			n.deliver(m)
		}()
	}
	response, arrived := n.deliver(m)
	if !arrived {
		return
	}
	back := n.fate(link{m.to, m.from}, m.kind()+" answer")
	if back.lost {
		return
	}
	time.Sleep(back.delay)
	n.thawed(m.to, m.from)
	answer <- response
}

// deliver hands a request to who listens at its address and returns the answer.
func (n *network) deliver(m message) (raft.RPCResponse, bool) {
	n.thawed(m.from, m.to)
	there := n.port(m.to)
	if there == nil {
		return raft.RPCResponse{Error: errRefused}, true
	}
	answer := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{Command: cloneCommand(m.command), RespChan: answer}
	if m.snapshot != nil {
		rpc.Reader = bytes.NewReader(m.snapshot)
	}
	if handle := there.heartbeats(); handle != nil && isHeartbeat(m.command) {
		handle(rpc)
	} else {
		select {
		case there.requests <- rpc:
		case <-there.closed:
			return raft.RPCResponse{}, false
		}
	}
	select {
	case response := <-answer:
		return response, true
	case <-there.closed:
		return raft.RPCResponse{}, false
	}
}

// isHeartbeat is the rule of raft's own network transport.
func isHeartbeat(command any) bool {
	c, ok := command.(*raft.AppendEntriesRequest)
	return ok && c.Term != 0 && c.PrevLogEntry == 0 && c.PrevLogTerm == 0 && len(c.Entries) == 0 && c.LeaderCommitIndex == 0
}

// cloneCommand makes a request the receiver's own, as encoding it does.
func cloneCommand(command any) any {
	switch c := command.(type) {
	case *raft.AppendEntriesRequest:
		copied := *c
		copied.Entries = make([]*raft.Log, len(c.Entries))
		for i, l := range c.Entries {
			entry := *l
			entry.Data, entry.Extensions = bytes.Clone(l.Data), bytes.Clone(l.Extensions)
			copied.Entries[i] = &entry
		}
		return &copied
	case *raft.InstallSnapshotRequest:
		copied := *c
		copied.Configuration = slices.Clone(c.Configuration)
		return &copied
	}
	return command // of values that nobody changes
}

// readAll reads a snapshot before anybody may close it.
func readAll(in io.Reader) []byte {
	data, err := io.ReadAll(in)
	if err != nil {
		return []byte{} // too short: the receiver refuses it
	}
	return data
}
