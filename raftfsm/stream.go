package raftfsm

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/peer"
	"onsale/raftfsm/store"
)

// stream carries raft's protocol over the peers' port: both ends are known, of
// this cluster, and each is the node that its address belongs to.
type stream struct {
	net.Listener // of the port's raft service
	node         *Node
	config       peer.Config
	advertise    string
}

var _ raft.StreamLayer = (*stream)(nil)

// Dial connects to a member; the node there must be the one that the membership
// has at that address.
func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return peer.Dial(ctx, &s.config, string(address), peer.Raft, s.node.memberAt(address))
}

// Accept returns the next connection of another node, whose end is watched.
func (s *stream) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if known, ok := conn.(*peer.Conn); ok && err == nil {
		return &watchedConn{Conn: known, ended: func() { s.node.suspect(known.Peer.ID) }}, nil
	}
	return conn, err
}

// Addr returns the address under which the others know this node.
func (s *stream) Addr() net.Addr { return advertised(s.advertise) }

type advertised string

func (a advertised) Network() string { return "tcp" }
func (a advertised) String() string  { return string(a) }

// openPort opens the peers' port and begins to accept; raft takes its part of it.
func (n *Node) openPort() error {
	config := n.config.Peer
	config.ID, config.Role, config.Cluster = n.config.NodeID, peer.Node, n.data.Owner.Cluster
	if config.Logger == nil {
		config.Logger = n.config.Logger
	}
	n.peer = config
	port, err := peer.Listen(n.config.RaftAddress, config)
	if err != nil {
		return err
	}
	n.port = port
	n.address = n.config.AdvertiseAddress
	if n.address == "" {
		n.address = port.Addr().String()
	}
	n.life.finished.Go(func() {
		if err := port.Serve(); err != nil && !n.life.stopping() {
			n.life.fatal(err)
		}
	})
	return nil
}

// rpcTimeout bounds one exchange with another node. It covers the other's fsync,
// so it must outlast a slow disk; and a stopping node waits for its exchanges with
// nodes that are gone, so it must not be long.
const rpcTimeout = 3 * time.Second

func (n *Node) transport() (raft.Transport, error) {
	if n.config.Transport != nil {
		n.address = string(n.config.Transport.LocalAddr())
		return n.config.Transport, nil
	}
	if err := n.openPort(); err != nil {
		return nil, err
	}
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  &stream{n.port.Service(peer.Raft), n, n.peer, n.address},
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
	return n.port.Service(peer.Forward), nil
}

// PeerConfig returns how this node meets others.
func (n *Node) PeerConfig() *peer.Config { return &n.peer }

// Address returns where the others reach this node.
func (n *Node) Address() string { return n.address }
