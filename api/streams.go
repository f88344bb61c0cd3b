package api

import (
	"encoding/json"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

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

type orderKey struct {
	cluster uint8
	seq     uint64
}

// orderChannel is an order that its buyer listens to.
type orderChannel struct {
	channel
	at   place
	stop func() // of the watch
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

// appendEvent appends one event as the wire has it. data is JSON, which has no line
// feed.
func appendEvent(dst []byte, name, id string, data []byte) []byte {
	dst = append(dst, "id: "...)
	dst = append(dst, id...)
	dst = append(dst, "\nevent: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: "...)
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}

// newest returns a sale's newest event and its version: the one at hand when the sale is
// the same, else a new one, unless the view is older than what the event tells.
func (s *streams) newest(c *channel, v *sequencer.SaleView, now int64) (version uint64, event []byte) {
	version = saleTag(v, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version && v.AsOfSeq >= c.asOf {
		c.version, c.asOf, c.event = version, v.AsOfSeq, s.saleEvent(v, now, version)
	}
	return c.version, c.event
}

func (s *streams) saleEvent(v *sequencer.SaleView, now int64, version uint64) []byte {
	s.encoded.Add(1)
	sale := contract.SaleOf(v, now)
	data, err := json.Marshal(&sale)
	if err != nil { // the contract's types can always be marshalled
		panic("api: cannot encode an event: " + err.Error())
	}
	return appendEvent(nil, "sale", formatID(version), data)
}

// orderEvent returns an order's event and its version.
func (s *streams) orderEvent(cluster uint8, v *sequencer.OrderView) (version uint64, event []byte) {
	s.encoded.Add(1)
	order := orderOf(cluster, v)
	data, err := json.Marshal(&order)
	if err != nil {
		panic("api: cannot encode an event: " + err.Error())
	}
	version = textTag(orderTag(v))
	return version, appendEvent(nil, "order", formatID(version), data)
}

func formatID(version uint64) string { return strconv.FormatUint(version, 16) }

// saleEvents answers GET /v1/tickets/events?sale=ID.
func (p *Public) saleEvents(r *request) error {
	if problem := r.query.read(r.raw, parameterSale); problem != nil {
		return problem
	}
	if err := p.shed(r, p.config.ShedViewsLoad, shedView); err != nil {
		return err
	}
	_, view, err := p.saleOf(&r.query)
	if err != nil {
		return err
	}
	id := view.ID
	version, event := p.streams.newest(p.streams.sale(id), view, r.started.UnixNano())
	if string(r.header.lastEventID) == formatID(version) {
		event = nil
	}
	return p.streams.take(r, event, func(l *listener) {
		l.shown = version
		p.streams.channel(id).add(l)
	})
}

// sale returns a sale's channel.
func (s *streams) sale(id string) *channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channel(id)
}

// channel is sale for who holds the lock.
func (s *streams) channel(id string) *channel {
	c := s.sales[id]
	if c == nil {
		c = new(channel)
		s.sales[id] = c
	}
	return c
}

// orderEvents answers GET /v1/orders/{uid}/events.
func (p *Public) orderEvents(r *request) error {
	if err := p.buyer(r, parameterAfterSeq); err != nil {
		return err
	}
	if err := p.shed(r, p.config.ShedPollsLoad, shedPoll); err != nil {
		return err
	}
	cluster, view, err := p.ownOrder(r)
	if err != nil {
		return err
	}
	version, event := p.streams.orderEvent(cluster.Number, &view)
	if known := string(r.header.lastEventID) == formatID(version); known && isOver(&view) {
		r.ctx.Response.SetStatusCode(204) // nothing will come: do not ask again
		return nil
	} else if known {
		event = nil
	}
	at := place{cluster.Number, view.Sale, view.Seq}
	return p.streams.take(r, event, func(l *listener) {
		l.shown = version
		p.streams.order(at, cluster.Backend, l)
	})
}

// order adds a listener to an order's channel. The caller holds the lock.
func (s *streams) order(at place, backend Backend, l *listener) {
	key := orderKey{at.cluster, at.seq}
	c := s.orders[key]
	if c == nil {
		c = &orderChannel{at: at}
		c.stop = backend.Watch(at.seq, func() { s.changed(key) })
		s.orders[key] = c
	}
	c.add(l)
	s.changed(key) // it may have, since it was read
}

// changed notes that an order is to be read.
func (s *streams) changed(key orderKey) {
	s.dirtyMu.Lock()
	s.dirty[key] = struct{}{}
	s.dirtyMu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// serveSales writes what changed of the sales, as often as StreamInterval says and the
// listeners' number allows.
func (s *streams) serveSales() {
	pause, beat := s.public.config.StreamInterval, time.Now().Add(heartbeatInterval)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-s.public.stopping.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		var beating []byte
		if began.After(beat) {
			beating, beat = heartbeat, began.Add(heartbeatInterval)
		}
		s.broadcast(beating, began)
		timer.Reset(max(pause, (broadcastShare-1)*time.Since(began)))
	}
}

// broadcast writes each sale's newest event to its listeners.
func (s *streams) broadcast(beat []byte, now time.Time) {
	s.mu.Lock()
	channels := make(map[string]*channel, len(s.sales))
	for id, c := range s.sales {
		if c.size() == 0 {
			delete(s.sales, id)
			continue
		}
		channels[id] = c
	}
	s.mu.Unlock()
	for id, c := range channels {
		if _, view, err := s.public.findSale(id); err == nil {
			s.newest(c, view, s.public.config.Clock().UnixNano())
		}
		s.leave(c.serve(beat, now))
		s.wrote.Add(1)
	}
}

// serveOrders reads the orders that changed and writes them to their listeners.
func (s *streams) serveOrders() {
	ticker := time.NewTicker(heartbeatInterval)
	defer ticker.Stop()
	readers := make(chan struct{}, orderReadersMax)
	for {
		select {
		case <-s.public.stopping.Done():
			return
		case <-s.wake:
			for _, key := range s.takeDirty() {
				readers <- struct{}{}
				s.done.Go(func() {
					defer func() { <-readers }()
					s.serveOrder(key)
				})
			}
		case now := <-ticker.C:
			s.beatOrders(now)
		}
	}
}

func (s *streams) takeDirty() []orderKey {
	s.dirtyMu.Lock()
	defer s.dirtyMu.Unlock()
	keys := make([]orderKey, 0, len(s.dirty))
	for key := range s.dirty {
		keys = append(keys, key)
	}
	clear(s.dirty)
	return keys
}

// serveOrder writes one order as it is now. When it cannot be read, it is tried again
// with the next beat.
func (s *streams) serveOrder(key orderKey) {
	s.mu.Lock()
	c := s.orders[key]
	s.mu.Unlock()
	if c == nil {
		return
	}
	cluster, err := s.public.clusterOf(c.at)
	var view sequencer.OrderView
	if err == nil {
		view, err = s.public.orderNow(cluster, c.at)
	}
	if err == nil {
		version, event := s.orderEvent(key.cluster, &view)
		c.publish(view.AsOfSeq, version, event)
	} else if s.public.stopping.Err() == nil {
		time.AfterFunc(time.Second, func() { s.changed(key) })
	}
	s.leave(c.serve(nil, time.Now()))
	if err == nil && isOver(&view) {
		s.leave(c.end())
	}
	s.drop(key, c)
}

func (s *streams) beatOrders(now time.Time) {
	s.mu.Lock()
	channels := make(map[orderKey]*orderChannel, len(s.orders))
	for key, c := range s.orders {
		channels[key] = c
	}
	s.mu.Unlock()
	for key, c := range channels {
		s.leave(c.serve(heartbeat, now))
		s.drop(key, c)
	}
}

// drop forgets an order that nobody listens to any more.
func (s *streams) drop(key orderKey, c *orderChannel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.size() > 0 || s.orders[key] != c {
		return
	}
	delete(s.orders, key)
	c.stop()
}
