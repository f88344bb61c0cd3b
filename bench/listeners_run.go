package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// hall is one run under way: a node, a sale, and who listens.
type hall struct {
	options *ListenersOptions
	cluster *cluster
	node    *node
	secret  []byte
	buyers  uint64               // who bought so far
	sent    map[uint64]time.Time // when the buy with a seq was sent
	last    uint64               // the newest of these
	report  ListenersReport
}

const hallSale = "hall"

// settle is how long the node is left alone before it is measured.
const settle = 3 * time.Second

func (h *hall) run(ctx context.Context) (*ListenersReport, error) {
	o, r := h.options, &h.report
	r.Machine, r.Listeners, r.PerSecond = machine(), o.Listeners, o.PerSecond
	sale := SaleOptions{Tickets: uint32(2*o.PerSecond)*uint32(o.Sell/time.Second+1) + 100, RetryMax: 10 * time.Second}
	if _, _, err := sale.createSale(ctx, h.cluster, hallSale); err != nil {
		return nil, err
	}
	fmt.Fprintln(o.Log, "selling without listeners")
	alone, err := h.during(ctx, func() error { return h.sell(ctx) })
	if err != nil {
		return nil, err
	}
	r.CPUSellingAlone = alone.cpu
	r.MemoryBefore, r.GoroutinesBefore = alone.memory, alone.after["go_goroutines"]

	fmt.Fprintln(o.Log, "connecting", o.Listeners, "listeners")
	var listening *crowd
	connecting, err := h.during(ctx, func() (err error) { listening, err = listen(ctx, h.node.http, o.Listeners); return err })
	if err != nil {
		return nil, err
	}
	defer listening.leave()
	r.ConnectSeconds, r.ConnectCPUSeconds = connecting.seconds-settle.Seconds(), connecting.cpu*connecting.seconds
	r.Joining = connecting.delta("onsale_stream_encodings_total")

	fmt.Fprintln(o.Log, "listening in silence")
	idle, err := h.during(ctx, func() error { return wait(ctx, o.Idle) })
	if err != nil {
		return nil, err
	}
	r.CPUIdle, r.MemoryIdle, r.Goroutines = idle.cpu, idle.memory, idle.after["go_goroutines"]
	r.HeapPerListener = (idle.after["go_memstats_heap_alloc_bytes"] - alone.after["go_memstats_heap_alloc_bytes"]) / float64(o.Listeners)

	fmt.Fprintln(o.Log, "selling to listeners")
	h.sent = map[uint64]time.Time{}
	before, client := listening.events.Load(), cpu(os.Getpid())
	selling, err := h.during(ctx, func() error { return h.sell(ctx) })
	if err != nil {
		return nil, err
	}
	r.ClientCPU = (cpu(os.Getpid()) - client).Seconds() / selling.seconds
	r.CPUSelling, r.MemorySelling, r.MemoryMost = selling.cpu, selling.memory, memory(h.pid())
	r.BytesPerListener = float64(r.MemorySelling-r.MemoryBefore) / float64(o.Listeners)
	r.Broadcasts, r.Encodings = selling.delta("onsale_stream_broadcasts_total"), selling.delta("onsale_stream_encodings_total")
	if err := listening.heardAll(ctx, h.last, o.Listeners); err != nil {
		return nil, err
	}
	h.heard(listening, before)
	return r, nil
}

func (h *hall) pid() int { return h.node.command.Process.Pid }

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// span is what the node used while something went on, and a while longer.
type span struct {
	seconds       float64
	cpu           float64 // cores
	memory        int64   // resident at the end, bytes
	before, after map[string]float64
}

func (s *span) delta(name string) float64 { return s.after[name] - s.before[name] }

func (h *hall) during(ctx context.Context, do func() error) (*span, error) {
	var s span
	var err error
	if s.before, err = h.node.metrics(ctx); err != nil {
		return nil, err
	}
	began, used := time.Now(), cpu(h.pid())
	if err := do(); err != nil {
		return nil, err
	}
	if err := wait(ctx, settle); err != nil { // what was begun is the span's too
		return nil, err
	}
	s.seconds = time.Since(began).Seconds()
	s.cpu = (cpu(h.pid()) - used).Seconds() / s.seconds
	s.memory = processMemory(h.pid(), "VmRSS:")
	s.after, err = h.node.metrics(ctx)
	return &s, err
}

// sell buys one ticket at a time at fixed times, and notes when which buy was sent.
func (h *hall) sell(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", h.node.http)
	if err != nil {
		return err
	}
	defer conn.Close()
	in, request := bufio.NewReader(conn), newBuyRequest("onsale", hallSale, 1, newMinter(h.secret, time.Now()))
	began, pause := time.Now(), time.Second/time.Duration(h.options.PerSecond)
	for i := range int(h.options.Sell / pause) {
		if err := wait(ctx, time.Until(began.Add(time.Duration(i)*pause))); err != nil {
			return err
		}
		h.buyers++
		sent := time.Now()
		if _, err := conn.Write(request.of(h.buyers)); err != nil {
			return err
		}
		answer, _, err := readResponse(in, nil)
		if err != nil || answer.outcome() != "reserved" {
			return fmt.Errorf("a buy came to %d %s: %w", answer.status, answer.body, err)
		}
		var decision struct{ Seq uint64 }
		if err := json.Unmarshal(answer.body, &decision); err != nil {
			return err
		}
		if h.sent != nil {
			h.sent[decision.Seq], h.last = sent, decision.Seq
		}
	}
	return nil
}

// heard reads from the listeners' notes how late each of them knew of each change: an
// event tells of all changes since the one before it.
func (h *hall) heard(c *crowd, before uint64) {
	r := &h.report
	r.Events, r.Changes = c.events.Load()-before, len(h.sent)
	delay := hdrhistogram.New(1, 120_000_000, 3) // microseconds
	notes, seqs := c.close()
	for _, n := range notes {
		for seq := uint64(n.previous) + 1; seq <= uint64(n.seq); seq++ {
			if sent, known := h.sent[seq]; known {
				_ = delay.RecordValue(max(1, n.at.Sub(sent).Microseconds())) // over the bound it counts as the bound
			}
		}
	}
	r.Millis, r.Lost = millis(delay), h.options.Listeners-len(seqs)
	for _, seq := range seqs {
		if uint64(seq) < h.last {
			r.Behind++
		}
	}
}
