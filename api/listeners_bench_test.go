package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"onsale/api/apitest"
	"onsale/sequencer"
)

// BenchmarkListenersInMemory is what listeners of one sale cost, as many as a process
// may not have sockets for here: connections in memory come in by the door, ask for the
// stream as buyers do, and are written to by the same rounds. What is left out is the
// kernel: its sockets' memory, and its part of accepting, reading and writing.
//
// Each of the b.N changes is waited for until everybody has heard of it. CPU is the
// process' own, so that other programs on the machine do not count.
func BenchmarkListenersInMemory(b *testing.B) {
	for _, count := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) { benchListeners(b, count) })
	}
}

func benchListeners(b *testing.B, count int) {
	backend := newTestBackend(time.Now)
	spec := sequencer.SaleSpec{ID: "hall", Item: "Concert", Quantity: 1 << 30, Cap: 2, Price: 4900, Currency: "EUR", StartsAt: 1, Hold: int64(time.Hour)}
	backend.do(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	verifier := apitest.Verifier(b)
	config := DefaultConfig()
	public, err := NewPublic(config, OneCluster(0, backend), verifier, NewMetrics(verifier))
	must(b, err)
	h := newMemoryHall()
	served := make(chan error, 1)
	go func() { served <- public.Serve(h) }()

	heapBefore, goroutinesBefore := heapInUse(), runtime.NumGoroutine()
	connecting := processCPU(b)
	h.connect(count)
	connecting = processCPU(b) - connecting
	encoded := public.streams.Stats().Encoded
	h.await(count, backend.do(sequencer.Command{Kind: sequencer.KindBuy, User: []byte("first"), Sale: 1, Quantity: 1}).Seq)
	each := float64(heapInUse()-heapBefore) / float64(count)
	goroutines := runtime.NumGoroutine() - goroutinesBefore

	events, before := h.events, public.streams.Stats()
	used := processCPU(b)
	b.ResetTimer()
	for n := range b.N {
		user := fmt.Appendf(nil, "buyer-%d", n)
		h.await(count, backend.do(sequencer.Command{Kind: sequencer.KindBuy, User: user, Sale: 1, Quantity: 1}).Seq)
	}
	b.StopTimer()
	used = processCPU(b) - used
	after := public.streams.Stats()
	if after.Left != 0 || h.broken != nil {
		b.Fatalf("%d listeners were lost: %v", after.Left, h.broken)
	}
	b.ReportMetric(float64(after.Encoded-before.Encoded)/float64(b.N), "encodings/change")
	b.ReportMetric(float64(encoded), "encodings-connecting")
	b.ReportMetric(float64(h.events-events)/float64(b.N), "events/change")
	b.ReportMetric(float64(used.Nanoseconds())/float64(h.events-events), "cpu-ns/event")
	b.ReportMetric(float64(used.Microseconds())/1e3/float64(b.N), "cpu-ms/change")
	b.ReportMetric(float64(after.Broadcasts-before.Broadcasts)/float64(b.N), "rounds/change")
	b.ReportMetric(each-float64(unsafe.Sizeof(memoryConn{})), "heap-bytes/listener")
	b.ReportMetric(float64(goroutines), "goroutines")
	b.ReportMetric(float64(connecting.Nanoseconds())/1e3/float64(count), "cpu-us/connect")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(b, errors.Join(public.Shutdown(ctx), <-served))
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // pools keep what they have for one more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// processCPU returns what this process has used.
func processCPU(b *testing.B) time.Duration {
	var u unix.Rusage
	must(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memoryHall is a listener whose connections are in memory, and what they were sent.
type memoryHall struct {
	arriving chan net.Conn
	entered  chan struct{} // one for each that got its first event
	closed   chan struct{}

	mu     sync.Mutex
	events int
	newest []byte // the newest event that somebody was sent, and its as_of_seq
	seq    uint64
	heard  int           // who was sent it
	all    chan struct{} // closed when those of wanted have heard of it
	wanted struct {
		listeners int
		seq       uint64
	}
	broken error // the first event that is none
}

func newMemoryHall() *memoryHall {
	return &memoryHall{arriving: make(chan net.Conn), entered: make(chan struct{}, 256), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (h *memoryHall) Accept() (net.Conn, error) {
	select {
	case conn := <-h.arriving:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *memoryHall) Close() error {
	close(h.closed)
	return nil
}

func (h *memoryHall) Addr() net.Addr { return memoryAddress }

var memoryAddress = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}

// connect lets so many ask for the stream, a few at a time, and returns when each has
// its first event.
func (h *memoryHall) connect(count int) {
	outside := count
	for entering := 0; outside > 0; outside-- {
		for ; entering < cap(h.entered) && entering < outside; entering++ {
			h.arriving <- &memoryConn{hall: h}
		}
		<-h.entered
		entering--
	}
}

// await returns when so many were sent an event that tells of seq.
func (h *memoryHall) await(listeners int, seq uint64) {
	h.mu.Lock()
	h.wanted.listeners, h.wanted.seq, h.all = listeners, seq, make(chan struct{})
	all := h.all
	h.check()
	h.mu.Unlock()
	<-all
}

// check ends the waiting when all have heard. The caller holds the lock.
func (h *memoryHall) check() {
	if h.all != nil && h.seq >= h.wanted.seq && h.heard == h.wanted.listeners {
		close(h.all)
		h.all = nil
	}
}

// hear takes in what a listener was sent. Everybody is sent the same bytes, so they are
// read once.
func (h *memoryHall) hear(event []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if bytes.Equal(event, []byte(": still there\n\n")) {
		return
	}
	if len(h.newest) == 0 || &event[0] != &h.newest[0] {
		seq, err := seqOf(event)
		if err != nil && h.broken == nil {
			h.broken = err
		}
		h.newest, h.seq, h.heard = event, seq, 0
	}
	h.events++
	h.heard++
	h.check()
}

// seqOf returns the as_of_seq of one whole event.
func seqOf(event []byte) (uint64, error) {
	_, rest, found := bytes.Cut(event, []byte(`"as_of_seq":`))
	digits, _, more := bytes.Cut(rest, []byte(","))
	seq, err := strconv.ParseUint(string(digits), 10, 64)
	if !found || !more || err != nil || !bytes.HasPrefix(event, []byte("id: ")) || !bytes.HasSuffix(event, []byte("}\n\n")) {
		return 0, fmt.Errorf("no event: %q", event)
	}
	return seq, nil
}

var memoryRequest = []byte("GET /v1/tickets/events?sale=hall HTTP/1.1\r\nHost: onsale\r\n\r\n")

// memoryConn is a listener's connection: it sends its request and is sent events. Its
// size is taken off what a listener costs.
type memoryConn struct {
	hall    *memoryHall
	sent    int
	greeted bool
}

func (c *memoryConn) Read(p []byte) (int, error) {
	if c.sent == len(memoryRequest) {
		return 0, io.EOF
	}
	n := copy(p, memoryRequest[c.sent:])
	c.sent += n
	return n, nil
}

func (c *memoryConn) Write(p []byte) (int, error) {
	if c.greeted {
		c.hall.hear(p)
		return len(p), nil
	}
	c.greeted = true // by the header and the first event
	c.hall.entered <- struct{}{}
	return len(p), nil
}

func (c *memoryConn) Close() error                     { return nil }
func (c *memoryConn) LocalAddr() net.Addr              { return memoryAddress }
func (c *memoryConn) RemoteAddr() net.Addr             { return memoryAddress }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
