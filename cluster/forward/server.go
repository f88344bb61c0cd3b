package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
)

// ServerConfig bounds what one caller can make a node do.
type ServerConfig struct {
	// Limits bounds a batch; what the node's inbox takes as one.
	Limits Limits
	// QuestionsMax bounds the questions of one connection that are answered at
	// once; more are answered overloaded.
	QuestionsMax int
	// WriteTimeout bounds the time to write an answer.
	WriteTimeout time.Duration
	// ControlTimeout bounds one step of administration, and one payment.
	ControlTimeout time.Duration
	// Sellers decides what other nodes send with a seller's token; nil of a node that only
	// shows what it has: it does not lead.
	Sellers Sellers
	// Blocks are what other nodes fill their journals' gaps from; nil keeps none.
	Blocks Blocks
	Logger *slog.Logger
}

// DefaultServerConfig returns the configuration that serves most.
func DefaultServerConfig(limits Limits) ServerConfig {
	return ServerConfig{Limits: limits, QuestionsMax: 4096, WriteTimeout: 5 * time.Second, ControlTimeout: 30 * time.Second,
		Logger: slog.New(slog.DiscardHandler)}
}

// Server answers what other processes send to this node.
type Server struct {
	config  ServerConfig
	node    Node
	reads   reads
	peer    *peer.Config // this process
	control Control
	// payments is nil of a node that only shows what it has: it does not lead.
	payments Payments

	directory *Directory

	counters ServerCounters
	paging   chan struct{} // one page at a time, whoever asks; who waits is served in order
	// pageWaiters are who waits for that, or reads.
	pageWaiters atomic.Int64
	mu          sync.Mutex
	conns       map[net.Conn]struct{}
	closed      bool
	finished    sync.WaitGroup
	stop        context.Context
	cancel      context.CancelFunc
}

// ServerCounters are totals since the start.
type ServerCounters struct {
	Batches, Requests, Questions, Refused, Pages atomic.Uint64
	asking                                       atomic.Int64 // questions that are being answered
}

// NewServer returns a server for a node; orders are read through the replica. It takes
// payments when payments is not nil.
func NewServer(config ServerConfig, node Node, replica *Replica, control Control, payments Payments) *Server {
	s := &Server{config: config, node: node, reads: replica, peer: replica.client.peer, directory: replica.client.directory,
		control: control, payments: payments, conns: map[net.Conn]struct{}{}, paging: make(chan struct{}, 1)}
	s.stop, s.cancel = context.WithCancel(context.Background())
	return s
}

// Counters returns the totals.
func (s *Server) Counters() *ServerCounters { return &s.counters }

// Serve answers connections that a listener hands out until it is closed; then it
// returns nil.
func (s *Server) Serve(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return nil // the listener's owner knows why
		}
		s.mu.Lock()
		if s.closed {
			conn.Close()
		} else {
			s.conns[conn] = struct{}{}
			s.finished.Go(func() { s.serve(conn) })
		}
		s.mu.Unlock()
	}
}

// Close ends all connections and waits for what is under way.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.cancel()
	s.finished.Wait()
	return nil
}

// caller is one connection's server side.
type caller struct {
	server    *Server
	conn      net.Conn
	from      peer.Identity
	questions chan struct{} // a place for each question that is being answered
	finished  sync.WaitGroup

	writing sync.Mutex
}

func (s *Server) serve(conn net.Conn) {
	c := &caller{server: s, conn: conn, questions: make(chan struct{}, s.config.QuestionsMax)}
	if known, ok := conn.(*peer.Conn); ok {
		c.from = known.Peer
	}
	err := c.run()
	conn.Close()
	c.finished.Wait()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	if !errors.Is(err, io.EOF) && s.stop.Err() == nil {
		s.config.Logger.Debug("a peer's connection ended", "peer", c.from.ID, "error", err)
	}
}

// run returns why the connection ended. It answers batches one after the other on this
// goroutine, which keeps their order, and questions beside them. A caller that does not speak
// the cluster's level any more gets no answer: when it connects again it is refused by name.
func (c *caller) run() error {
	in := newFrameReader(c.conn, max(c.server.config.Limits.BytesMax, controlBytesMax))
	b := batchAnswerer{caller: c}
	for {
		f, err := in.next()
		if err == nil {
			err = c.server.peer.Keeps(&c.from)
		}
		if err != nil {
			return err
		}
		if f.kind == kindBatch && c.from.Role == peer.Reader {
			return fmt.Errorf("%w: a reader decides nothing", codes.ErrRejected)
		}
		if f.kind == kindBatch {
			err = b.answer(&f)
		} else {
			err = c.question(f.kind, f.id, f.body)
		}
		if err != nil {
			return err
		}
	}
}

// write sends a whole frame, whose header is filled in.
func (c *caller) write(data []byte, code codes.Code, id uint64) error {
	putFrameHeader(data, kindAnswer, code, id)
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.server.config.WriteTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(data)
	return err
}
