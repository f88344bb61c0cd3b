package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"onsale/internal/metric"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// ClientConfig bounds the way to the leader.
type ClientConfig struct {
	// QueueRequestsMax and QueueBytesMax bound what waits for its batch; beyond
	// them requests are answered overloaded.
	QueueRequestsMax, QueueBytesMax int
	// BatchRequestsMax and BatchBytesMax bound one batch, the leader's own bounds
	// besides. A larger one costs the leader less each request and makes the
	// requests of other doors wait longer.
	BatchRequestsMax, BatchBytesMax int
	// DecideTimeout is after how long a request without a decision is answered
	// no-leader or outcome-unknown. It must outlast a fail-over.
	DecideTimeout time.Duration
	// AttemptTimeout is how long one leader may take before another one is
	// looked for.
	AttemptTimeout time.Duration
	Logger         *slog.Logger
}

// DefaultClientConfig returns the configuration that serves most.
func DefaultClientConfig() ClientConfig {
	return ClientConfig{
		QueueRequestsMax: 1 << 19, QueueBytesMax: 64 << 20,
		BatchRequestsMax: 6000, BatchBytesMax: 250_000,
		DecideTimeout: 5 * time.Second, AttemptTimeout: time.Second, Logger: slog.New(slog.DiscardHandler),
	}
}

// frontBytes is the room in front of a batch's commands: for a frame's header and
// the forward command.
const frontBytes = frameHeaderBytes + sequencer.ForwardBytes

// Client brings commands to the leader, whoever that is, in the order in which
// they came.
type Client struct {
	config    ClientConfig
	peer      *peer.Config
	directory *Directory
	local     Decider // the node of this process; nil in a front-end
	limits    Limits  // of the local node
	inbox     *inbox.Inbox

	sender   sender
	counters ClientCounters
	stop     context.Context
	cancel   context.CancelFunc
	finished sync.WaitGroup
}

// ClientCounters are totals since the start.
type ClientCounters struct {
	Batches, Requests atomic.Uint64 // decided
	Repeated          atomic.Uint64 // batches that were sent again under their number
	NoLeader, Unknown atomic.Uint64 // requests answered so
	StorageLow        atomic.Uint64 // buys answered so
	Sessions          atomic.Uint64 // opened
	RoundTrips        metric.Times  // of decided batches
	Waits             metric.Times  // of each batch's first request, until it was sent first
	BatchSizes        metric.Sizes  // requests of the batches that were sent
}

// NewClient returns a client; local may be nil. Close ends it.
func NewClient(config ClientConfig, peers *peer.Config, directory *Directory, local Decider, limits Limits) *Client {
	c := &Client{config: config, peer: peers, directory: directory, local: local, limits: limits,
		inbox: inbox.New(inbox.Config{
			RequestsMax: config.QueueRequestsMax, BytesMax: config.QueueBytesMax,
			BatchRequestsMax: config.BatchRequestsMax, BatchBytesMax: config.BatchBytesMax, HeaderBytes: frontBytes,
		}, nil)}
	c.stop, c.cancel = context.WithCancel(context.Background())
	c.sender.client = c
	c.finished.Go(c.run)
	return c
}

// Decide gives a command to the leader and returns its decision. Its errors are
// ErrOverloaded, ErrNoLeader, ErrStopping (not taken, all three) and
// ErrOutcomeUnknown. The command is not kept. ErrForward for one that is not forwarded.
func (c *Client) Decide(command *sequencer.Command) (sequencer.Result, error) {
	if !command.Kind.Forwardable() {
		return sequencer.Result{}, fmt.Errorf("%w: a %s", sequencer.ErrForward, command.Kind)
	}
	w, err := c.inbox.Put(command)
	if err != nil {
		return sequencer.Result{}, err
	}
	return c.inbox.Wait(w)
}

// DecideMany does the same for commands that are encoded already, one frame after
// the other; nothing comes between them. inbox.ErrFrames when they are none.
func (c *Client) DecideMany(frames []byte, count int, results []sequencer.Result) error {
	w, err := c.inbox.PutMany(frames, count, results)
	if err != nil {
		return err
	}
	_, err = c.inbox.Wait(w)
	return err
}

// Load says how full the queue is, 0 to 1.
func (c *Client) Load() float64 { return c.inbox.Fill() }

// Waiting returns how many requests wait for their batch.
func (c *Client) Waiting() int {
	requests, _ := c.inbox.Load()
	return requests
}

// Counters returns the totals.
func (c *Client) Counters() *ClientCounters { return &c.counters }

// Overloaded returns how many requests were refused because the queue was full.
func (c *Client) Overloaded() uint64 { return c.inbox.Overloaded() }

// Close answers everybody who waits and ends the connection.
func (c *Client) Close() error {
	c.inbox.Shut(sequencer.ErrStopping)
	c.cancel()
	c.finished.Wait()
	c.inbox.Shut(sequencer.ErrStopping)
	return nil
}

// run sends batch after batch.
func (c *Client) run() {
	defer c.sender.hangUp()
	for {
		select {
		case <-c.stop.Done():
			return
		case <-c.inbox.Ready():
		}
		for chunk := c.inbox.Take(); chunk != nil; chunk = c.inbox.Take() {
			if err := c.deliver(chunk); err != nil {
				c.refuseUntilFound(err)
			}
		}
	}
}

// deliver brings one batch to its decisions and tells who waits. It returns the
// error when no leader could be found in time.
func (c *Client) deliver(chunk *inbox.Chunk) error {
	ctx, cancel := context.WithDeadline(c.stop, chunk.Since.Add(c.config.DecideTimeout))
	defer cancel()
	c.counters.Waits.Observe(time.Since(chunk.Since))
	c.counters.BatchSizes.Observe(chunk.Count)
	results, err := c.sender.deliver(ctx, chunk)
	if err == nil {
		chunk.Deliver(results)
		c.counters.Batches.Add(1)
		c.counters.Requests.Add(uint64(chunk.Count))
		return nil
	}
	if c.stop.Err() != nil && !isUnknown(err) {
		err = sequencer.ErrStopping
	}
	if errors.Is(err, sequencer.ErrStorageLow) {
		return c.deliverRest(chunk, err)
	}
	c.count(err, chunk.Count)
	chunk.Fail(err)
	if ctx.Err() != nil && c.stop.Err() == nil {
		return err
	}
	return nil
}

// deliverRest refuses the buys of a batch, of which nothing was taken, and delivers what is
// no buy: who cancels frees tickets, and needs next to no room.
func (c *Client) deliverRest(chunk *inbox.Chunk, why error) error {
	buys, rest := chunk.Split(frontBytes, sequencer.KindBuy)
	c.count(why, buys.Count)
	buys.Fail(why)
	if rest.Count == 0 {
		return nil
	}
	return c.deliver(rest)
}

func (c *Client) count(err error, requests int) {
	switch {
	case isUnknown(err):
		c.counters.Unknown.Add(uint64(requests))
	case errors.Is(err, sequencer.ErrStorageLow):
		c.counters.StorageLow.Add(uint64(requests))
	default:
		c.counters.NoLeader.Add(uint64(requests))
	}
}

// refuseUntilFound answers what waits and what comes with no-leader at once, until
// a leader is found again: nobody waits DecideTimeout to be told what is known.
func (c *Client) refuseUntilFound(err error) {
	c.config.Logger.Warn("no leader can be reached; requests are refused until one is", "error", err)
	refusal := fmt.Errorf("%w: none could be reached", sequencer.ErrNoLeader)
	c.inbox.Shut(refusal)
	if follow(c.stop, c.directory, search{&c.sender}) == nil {
		c.inbox.Open()
		c.config.Logger.Info("a leader is reached again")
	}
}

// sleep returns after a time, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
