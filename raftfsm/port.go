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
	"onsale/sequencer"
)

// peerPort is where the other processes reach this node.
type peerPort struct {
	config   peer.Config
	listener *peer.Listener
	address  string // under which they do
	fence    *fence
}

// openPort opens the port and begins to accept; raft takes its part of it. Each opening is
// a start of the node.
func openPort(c *Config, owner *folder.Owner, f *fence, births func() []sequencer.Birth, life *lifecycle) (*peerPort, error) {
	p := &peerPort{config: c.Peer, fence: f}
	p.config.ID, p.config.Role, p.config.Fenced, p.config.Starts = c.NodeID, peer.Node, f.meet, new(peer.Starts)
	p.config.Cluster = func() (peer.Lineage, uint8) {
		is := owner.Identity()
		return lineageOf(&is, births()), is.ClusterNumber
	}
	p.config.Clock = c.Clock.Now
	if p.config.Logger == nil {
		p.config.Logger = c.Logger
	}
	var err error
	if p.config.Start, err = owner.BeginStart(c.Clock.Now()); err != nil {
		return nil, err
	}
	if p.listener, err = peer.Listen(c.RaftAddress, p.config); err != nil {
		return nil, err
	}
	p.address = cmp.Or(c.AdvertiseAddress, written(c.RaftAddress, p.listener.Addr()))
	life.finished.Go(func() {
		if err := p.listener.Serve(); err != nil && !life.stopping() {
			life.fatal(err)
		}
	})
	return p, nil
}

// written returns an address to listen at as the operator wrote it, with the port that
// it came to: the others keep a name as a name, and resolve it at each dial. Of one that
// stands for all of a machine's addresses nothing better is known than that.
func written(address string, at net.Addr) string {
	host, _, err := net.SplitHostPort(address)
	_, port, portErr := net.SplitHostPort(at.String())
	if ip := net.ParseIP(host); err != nil || portErr != nil || host == "" || ip != nil && ip.IsUnspecified() {
		return at.String()
	}
	return net.JoinHostPort(host, port)
}

// stream carries raft's protocol over the peers' port: both ends are known, of
// this cluster, and each is the node that its address belongs to.
type stream struct {
	net.Listener // of the port's raft service
	port         *peerPort
	memberAt     func(raft.ServerAddress) Member // and where it is reached
	missed       func(Member)                    // is told of a member that was not found there
	ended        func(id string)                 // is told of a connection of that node that ended
}

var _ raft.StreamLayer = (*stream)(nil)

// Dial connects to a member; the node there must be the one that the membership
// has at that address.
func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := s.port.fence.raft.wasCut(); err != nil {
		return nil, err
	}
	member := s.memberAt(address)
	conn, err := peer.Dial(ctx, &s.port.config, member.Address, peer.Raft, member.ID)
	if err != nil {
		s.missed(member)
		return nil, err
	}
	s.port.fence.noteMet(&conn.Peer)
	return s.port.fence.raft.add(conn)
}

// Accept returns the next connection of another node, whose end is watched.
func (s *stream) Accept() (net.Conn, error) {
	for {
		conn, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		known := conn.(*peer.Conn)
		s.port.fence.noteMet(&known.Peer)
		counted, err := s.port.fence.raft.add(known)
		if err == nil {
			return &watchedConn{Conn: counted, ended: func() { s.ended(known.Peer.ID) }}, nil
		}
	}
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
	n.config.Peer.Levels = func() (speaks, cluster uint16) { return sequencer.LevelMax, n.machine.atLevel() }
	if n.port, err = openPort(&n.config, n.data.Owner, n.fence, n.Births, n.life); err != nil {
		return nil, err
	}
	n.address = n.port.address

	// raft and its peers may come before the parts that know who they are.
	memberAt := func(a raft.ServerAddress) Member { <-n.opened; return n.membership.at(a) }
	missed := func(is Member) { n.membership.heard.forget(is.ID, is.Address) } // memberAt came before
	ended := func(id string) {
		select {
		case <-n.opened:
			n.detector.suspect(id)
		case <-n.life.stop:
		}
	}
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  &stream{n.port.listener.Service(peer.Raft), n.port, memberAt, missed, ended},
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
