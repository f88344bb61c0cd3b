package stream

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/contract"
	"onsale/sequencer"
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

// Source is what the streams tell of.
type Source interface {
	// Sale returns a sale as it is shown now.
	Sale(id string) (*sequencer.SaleView, error)
	// Order returns an order that is known to be there, as new as the sales are shown.
	Order(at contract.Place) (sequencer.OrderView, error)
	// Watch lets changed be called after every change of an order from now on that Order
	// can show, perhaps without one, until stop. changed neither blocks nor calls the
	// source.
	Watch(at contract.Place, changed func()) (stop func())
}

// Config says how buyers' streams are kept.
type Config struct {
	Max          int           // open streams
	PerUserMax   int           // of a user's, which tell of orders; 0 for no bound
	Interval     time.Duration // how often a sale's subscribers hear of it at most
	Retry        time.Duration // after which a subscriber whose stream broke should come back
	WriteTimeout time.Duration // of what begins a stream
	Clock        func() time.Time
	// RevokesMore returns what is closed when rights are taken back the next time.
	RevokesMore func() <-chan struct{}
	// Release takes a connection out of the listener's count: from now on it is a stream.
	Release func(net.Conn)
}

// Hub is all open event streams of a listener, and what writes to them.
type Hub struct {
	config Config
	source Source
	ctx    context.Context // the writers end with it

	open    *bound
	wrote   atomic.Uint64 // broadcasts
	encoded atomic.Uint64 // events
	left    atomic.Uint64 // subscribers that went, or were let go

	mu     sync.Mutex
	begun  bool
	ended  bool
	sales  map[string]*topic // by id
	orders map[contract.Place]*orderTopic
	done   sync.WaitGroup // of the writers

	// Orders to be read, behind a lock of their own: it is taken by who holds a
	// source's, which is taken by who holds mu.
	dirtyMu sync.Mutex
	dirty   map[contract.Place]struct{}
	wake    chan struct{} // capacity 1
}

// NewHub returns a hub without streams, whose writers end with ctx.
func NewHub(ctx context.Context, config Config, source Source) *Hub {
	return &Hub{
		config: config, source: source, ctx: ctx, open: newBound("event streams", config.Max, config.PerUserMax),
		sales: map[string]*topic{}, orders: map[contract.Place]*orderTopic{},
		dirty: map[contract.Place]struct{}{}, wake: make(chan struct{}, 1),
	}
}

// Close ends all streams. The hub's context must have ended.
func (h *Hub) Close() {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	h.done.Wait()

	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.sales {
		h.leave(t.end()...)
	}
	for _, t := range h.orders {
		t.stop()
		h.leave(t.end()...)
	}
}

// leave gives the places of subscribers back.
func (h *Hub) leave(left ...*Subscriber) {
	for _, s := range left {
		h.open.give(s.user)
	}
	h.left.Add(uint64(len(left)))
}

// begin makes a stream of a user's request's connection, "" for who has none: it sends what
// begins it and then calls add, with the lock, which adds the subscriber to its topic.
func (h *Hub) begin(ctx *fasthttp.RequestCtx, user string, requestID, first []byte, add func(*Subscriber)) error {
	if err := h.open.take(user); err != nil {
		return err
	}
	headers := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\nConnection: close\r\n" +
		"X-Request-Id: " + string(requestID) + "\r\n\r\nretry: " + strconv.Itoa(int(h.config.Retry.Milliseconds())) + "\n\n"
	begin := append([]byte(headers), first...)

	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(conn net.Conn) {
		if unwrapped, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
			conn = unwrapped.UnsafeConn()
		}
		h.config.Release(conn)
		_ = conn.SetWriteDeadline(time.Now().Add(h.config.WriteTimeout))
		_, err := conn.Write(begin)
		_ = conn.SetWriteDeadline(time.Time{})
		s := newSubscriber(conn, user)
		if err != nil || !h.join(s, add) {
			conn.Close()
			h.leave(s)
		}
	})
	return nil
}

// join adds a subscriber, and starts the writers with the first one; false when the
// streams have ended.
func (h *Hub) join(s *Subscriber, add func(*Subscriber)) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return false
	}
	if !h.begun {
		h.begun = true
		h.done.Go(h.serveSales)
		h.done.Go(h.serveOrders)
	}
	add(s)
	return true
}
