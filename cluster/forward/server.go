package forward

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

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
	// ControlTimeout bounds one step of administration.
	ControlTimeout time.Duration
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
	control Control

	directory *Directory

	counters ServerCounters
	paging   sync.Mutex // one page at a time, whoever asks
	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	closed   bool
	finished sync.WaitGroup
	stop     context.Context
	cancel   context.CancelFunc
}

// ServerCounters are totals since the start.
type ServerCounters struct {
	Batches, Requests, Questions, Refused, Pages atomic.Uint64
	asking                                       atomic.Int64 // questions that are being answered
}

// NewServer returns a server for a node; orders are read through the replica.
func NewServer(config ServerConfig, node Node, replica *Replica, control Control) *Server {
	s := &Server{config: config, node: node, reads: replica, directory: replica.client.directory, control: control, conns: map[net.Conn]struct{}{}}
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

// run returns why the connection ended. It answers batches one after the other on this goroutine, which keeps their
// order, and questions beside them.
func (c *caller) run() error {
	in := newFrameReader(c.conn, max(c.server.config.Limits.BytesMax, controlBytesMax))
	b := batchAnswerer{caller: c}
	for {
		f, err := in.next()
		if err != nil {
			return err
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
func (c *caller) write(data []byte, s status, id uint64) error {
	putFrameHeader(data, kindAnswer, s, id)
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.server.config.WriteTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(data)
	return err
}

// question answers a question beside what comes next.
func (c *caller) question(k kind, id uint64, body []byte) error {
	c.server.counters.Questions.Add(1)
	select {
	case c.questions <- struct{}{}:
	default:
		c.server.counters.Refused.Add(1)
		return c.write(make([]byte, frameHeaderBytes), statusOverloaded, id)
	}
	own := append([]byte(nil), body...) // the next frame comes into body
	c.server.counters.asking.Add(1)
	c.finished.Go(func() {
		defer func() {
			c.server.counters.asking.Add(-1)
			<-c.questions
		}()
		answer, err := c.ask(k, own, make([]byte, frameHeaderBytes, 512))
		s := statusOK
		if err != nil {
			answer, s = appendError(answer[:frameHeaderBytes], err)
		}
		if c.write(answer, s, id) != nil {
			c.conn.Close() // the reading goroutine ends with it
		}
	})
	return nil
}

func (c *caller) ask(k kind, body, dst []byte) ([]byte, error) {
	s := c.server
	switch k {
	case kindSession:
		granted, err := openSession(s.node, s.config.Limits)
		return granted.append(dst), err
	case kindPosition:
		ctx, cancel := context.WithTimeout(s.stop, s.config.WriteTimeout)
		defer cancel()
		seq, err := s.node.ReadIndex(ctx)
		return binary.LittleEndian.AppendUint64(dst, seq), err
	case kindOrder, kindOrders:
		return c.orders(k == kindOrders, body, dst)
	case kindSales:
		return c.sales(body, dst)
	case kindControl:
		return c.administer(body, dst)
	case kindBlocks:
		return c.blocks(body, dst)
	}
	return dst, fmt.Errorf("%w: question of kind %d", ErrRejected, k)
}

func (c *caller) orders(ofUser bool, body, dst []byte) ([]byte, error) {
	q, err := parseOrderQuestion(body, ofUser)
	if err != nil {
		return dst, err
	}
	ctx, cancel := within(c.server.stop, q.wait)
	defer cancel()
	if ofUser {
		views, asOf, err := c.server.reads.OrdersOf(ctx, q.user, q.seq, int(min(q.limit, ordersMax)), q.reached)
		dst = appendAsOf(dst, asOf)
		for i := range views {
			dst = appendOrderView(dst, &views[i])
		}
		return dst, err
	}
	view, asOf, found, err := c.server.reads.Order(ctx, q.seq, q.reached)
	dst = appendAsOf(dst, asOf)
	if found {
		dst = appendOrderView(dst, &view)
	}
	return dst, err
}

// ordersMax bounds the orders of one answer.
const ordersMax = 1000

// controlBytesMax bounds the body of administration.
const controlBytesMax = 64 << 10

func (c *caller) administer(body, dst []byte) ([]byte, error) {
	if len(body) < 1 || len(body) < 1+int(body[0]) || !json.Valid(body[1+int(body[0]):]) {
		return dst, fmt.Errorf("%w: malformed administration", ErrRejected)
	}
	ctx, cancel := context.WithTimeout(c.server.stop, c.server.config.ControlTimeout)
	defer cancel()
	verb := string(body[1 : 1+int(body[0])])
	answer, err := c.server.control.Control(ctx, c.from, verb, body[1+len(verb):])
	return append(dst, answer...), err
}
