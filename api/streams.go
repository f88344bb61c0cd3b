package api

import (
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"onsale/api/contract"
)

// heartbeat is what a stream is sent when nothing happens, so that proxies keep it and
// the dead are found.
var heartbeat = []byte(": still there\n\n")

const (
	heartbeatInterval = 15 * time.Second
	// broadcastShare bounds the part of a processor that broadcasting may take: the
	// more listen, the less often they hear.
	broadcastShare = 4
	// orderReadersMax bounds the orders that are read at once for their streams.
	orderReadersMax = 8
)

// streams are all open event streams of a listener, and what writes to them.
type streams struct {
	public  *Public
	open    counting
	wrote   atomic.Uint64 // broadcasts
	encoded atomic.Uint64 // events
	left    atomic.Uint64 // listeners that went, or were let go

	mu     sync.Mutex
	begun  bool
	ended  bool
	sales  map[string]*channel // by id
	orders map[orderKey]*orderChannel
	done   sync.WaitGroup // of the writers

	// Orders to be read, behind a lock of their own: it is taken by who holds a
	// backend's, which is taken by who holds mu.
	dirtyMu sync.Mutex
	dirty   map[orderKey]struct{}
	wake    chan struct{} // capacity 1
}

func newStreams(p *Public) *streams {
	s := &streams{public: p, sales: map[string]*channel{}, orders: map[orderKey]*orderChannel{},
		dirty: map[orderKey]struct{}{}, wake: make(chan struct{}, 1)}
	s.open.most = int64(p.config.StreamsMax)
	return s
}

// close ends all streams. The listener's stopping must have ended.
func (s *streams) close() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.done.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.sales {
		s.leave(c.end())
	}
	for _, c := range s.orders {
		c.stop()
		s.leave(c.end())
	}
}

func (s *streams) leave(left int) {
	s.open.open.Add(int64(-left))
	s.left.Add(uint64(left))
}

// take makes a stream of a request's connection: it sends what begins it and then
// calls join, with the lock, which adds the listener to its channel.
func (s *streams) take(r *request, first []byte, join func(*listener)) error {
	if !s.open.take() {
		return contract.NewProblem(contract.Overloaded, "as many event streams are open as may be")
	}
	headers := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\nConnection: close\r\n" +
		"X-Request-Id: " + string(r.requestID()) + "\r\n\r\nretry: " + strconv.Itoa(int(s.public.config.StreamRetry.Milliseconds())) + "\n\n"
	begin := append([]byte(headers), first...)
	r.ctx.HijackSetNoResponse(true)
	r.ctx.Hijack(func(conn net.Conn) {
		if unwrapped, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
			conn = unwrapped.UnsafeConn()
		}
		if c := doored(conn); c != nil {
			s.public.door.release(c)
		}
		_ = conn.SetWriteDeadline(time.Now().Add(s.public.config.WriteTimeout))
		_, err := conn.Write(begin)
		_ = conn.SetWriteDeadline(time.Time{})
		if err != nil || !s.join(newListener(conn), join) {
			conn.Close()
			s.leave(1)
		}
	})
	return nil
}

// join adds a listener, and starts the writers with the first one; false when the
// streams have ended.
func (s *streams) join(l *listener, add func(*listener)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	if !s.begun {
		s.begun = true
		s.done.Go(s.serveSales)
		s.done.Go(s.serveOrders)
	}
	add(l)
	return true
}
