package raftfsm

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/raftfsm/store"
)

// peerPort is where the other processes reach this node.
type peerPort struct {
	config   peer.Config
	listener *peer.Listener
	address  string // under which they do
}

// openPort opens the port and begins to accept; raft takes its part of it.
func openPort(c *Config, owner *folder.Owner, life *lifecycle) (*peerPort, error) {
	p := &peerPort{config: c.Peer}
	p.config.ID, p.config.Role, p.config.Cluster = c.NodeID, peer.Node, owner.Cluster
	if p.config.Logger == nil {
		p.config.Logger = c.Logger
	}
	var err error
	if p.listener, err = peer.Listen(c.RaftAddress, p.config); err != nil {
		return nil, err
	}
	p.address = cmp.Or(c.AdvertiseAddress, p.listener.Addr().String())
	life.finished.Go(func() {
		if err := p.listener.Serve(); err != nil && !life.stopping() {
			life.fatal(err)
		}
	})
	return p, nil
}

// stream carries raft's protocol over the peers' port: both ends are known, of
// this cluster, and each is the node that its address belongs to.
type stream struct {
	net.Listener // of the port's raft service
	port         *peerPort
	memberAt     func(raft.ServerAddress) string // its id; "" when there is none
	ended        func(id string)                 // is told of a connection of that node that ended
}

var _ raft.StreamLayer = (*stream)(nil)

// Dial connects to a member; the node there must be the one that the membership
// has at that address.
func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return peer.Dial(ctx, &s.port.config, string(address), peer.Raft, s.memberAt(address))
}

// Accept returns the next connection of another node, whose end is watched.
func (s *stream) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if known, ok := conn.(*peer.Conn); ok && err == nil {
		return &watchedConn{Conn: known, ended: func() { s.ended(known.Peer.ID) }}, nil
	}
	return conn, err
}

// Addr returns the address under which the others know this node.
func (s *stream) Addr() net.Addr { return advertised(s.port.address) }

type advertised string

func (a advertised) Network() string { return "tcp" }
func (a advertised) String() string  { return string(a) }

// rpcTimeout bounds one exchange with another node. It covers the other's fsync,
// so it must outlast a slow disk; and a stopping node waits for its exchanges with
// nodes that are gone, so it must not be long.
const rpcTimeout = 3 * time.Second

// transport returns raft's transport, and notes where the peers reach this node.
func (n *Node) transport() (trans raft.Transport, err error) {
	if n.config.Transport != nil {
		n.address = string(n.config.Transport.LocalAddr())
		return n.config.Transport, nil
	}
	if n.port, err = openPort(&n.config, n.data.Owner, n.life); err != nil {
		return nil, err
	}
	n.address = n.port.address

	// raft and its peers may come before the parts that know who they are.
	memberAt := func(a raft.ServerAddress) string { <-n.opened; return n.membership.at(a) }
	ended := func(id string) {
		select {
		case <-n.opened:
			n.detector.suspect(id)
		case <-n.life.stop:
		}
	}
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  &stream{n.port.listener.Service(peer.Raft), n.port, memberAt, ended},
		MaxPool: 3, MaxRPCsInFlight: n.config.RPCsInFlightMax, Timeout: rpcTimeout,
		Logger: store.RaftLogger(n.config.Logger.With("part", "raft")),
	}), nil
}

// errNoPort is returned when a node on a test's transport is asked for its port.
var errNoPort = errors.New("this node has no port")

// ForwardListener returns the connections of other processes to this node that
// are not raft's.
func (n *Node) ForwardListener() (net.Listener, error) {
	if n.port == nil {
		return nil, errNoPort
	}
	return n.port.listener.Service(peer.Forward), nil
}

// PeerConfig returns how this node meets others.
func (n *Node) PeerConfig() *peer.Config { return &n.port.config }

// Address returns where the others reach this node.
func (n *Node) Address() string { return n.address }
