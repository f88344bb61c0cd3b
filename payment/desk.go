package payment

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"time"

	"onsale/sequencer"
)

// Node is the replica beside which a desk works (raftfsm.Node).
type Node interface {
	// Leader returns nil when Decide would take a command now, else its error.
	Leader() error
	Decide(c *sequencer.Command) (sequencer.Result, error)
	// ReadIndex returns the seq of the newest decision after a majority has proved that
	// this node leads. ErrNoLeader.
	ReadIndex(ctx context.Context) (uint64, error)
	SaleByID(id string) (*sequencer.SaleView, bool)
	// Read calls read with the state as of the last batch applied here, which must be
	// short: no batch is decided meanwhile.
	Read(read func(sequencer.Reader))
}

// Config bounds a desk.
type Config struct {
	// Number returns the cluster's number, which is part of its orders' uids.
	Number func() uint8
	// CallTimeout bounds one call to the provider.
	CallTimeout time.Duration
	// AbandonAfter is after how long an attempt of which the provider knows no
	// outcome is cancelled there. It must outlast every authorisation that is still
	// on its way, so it is longer than CallTimeout.
	AbandonAfter time.Duration
	// SettleInterval is how often unsettled orders are looked for.
	SettleInterval time.Duration
	// RetryPauseMax bounds the pause before an order's provider is asked again; the
	// pause doubles from SettleInterval on.
	RetryPauseMax time.Duration
	// PaymentsMax bounds the attempts of which the provider is asked at once, and the captures
	// beside them. While no rate is in force more attempts are answered overloaded.
	PaymentsMax int
	// Rate is how many calls a second the provider takes, 0 when that is not known: it is
	// learned from the provider's 429s, and lowered by them. LineMax is how long an attempt
	// may wait for its turn then; one that would wait for longer is answered overloaded, and one
	// that did is not called any more, whoever leads. In whole seconds, up.
	Rate    float64
	LineMax time.Duration
	// SettlersMax bounds the unsettled orders that are worked on at once.
	SettlersMax int
	// UnreachableAfter is for how long calls must have failed before the clock of holds is
	// stopped; StopMax is how long the stops of one hold may last together.
	UnreachableAfter, StopMax time.Duration
	// HandOver lets another node lead, if there is one that can and may reach the provider,
	// and reports whether one does.
	HandOver func() bool
	Clock    func() time.Time
	// Reached is called at each step of the protocol; crash tests die in it.
	Reached func(Step)
	Logger  *slog.Logger
}

// DefaultConfig returns the configuration that serves most.
func DefaultConfig() Config {
	return Config{
		Number: func() uint8 { return 0 }, CallTimeout: 10 * time.Second, AbandonAfter: 15 * time.Second,
		SettleInterval: 250 * time.Millisecond, RetryPauseMax: 10 * time.Second, PaymentsMax: 4096, SettlersMax: 32,
		LineMax:          10 * time.Minute,
		UnreachableAfter: 30 * time.Second, StopMax: 24 * time.Hour, HandOver: func() bool { return false },
		Clock: time.Now, Reached: func(Step) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

// Desk takes payments and settles what is left of them while its node leads. All
// methods are safe for concurrent use.
type Desk struct {
	config   Config
	node     Node
	provider Provider        // nil for none: only what costs nothing is paid
	metered  meteredProvider // the provider, its calls counted
	line     *line           // before it
	calls    linedProvider   // metered, each call in its turn
	counters counters

	stop     context.Context // the desk's life
	cancel   context.CancelFunc
	finished sync.WaitGroup
	settlers chan struct{} // one for each unsettled order that is worked on
	enders   chan struct{} // one for each attempt that is ended because it stands in no line
	wake     chan struct{} // capacity 1: somebody wants to be settled now

	letLeadAt time.Time // when another node may be let lead again
	probeAt   time.Time // when the provider may be asked again whether it is there; settleAll's

	mu      sync.Mutex
	working map[uint64]chan struct{} // orders that somebody works on; closed when they do no more
	retries map[uint64]retry         // by order
	live    map[uint64]*live         // by order
}

// retry says when an order is asked about again.
type retry struct {
	attempt uint8
	since   time.Time // when its newest attempt was first met here
	at      time.Time
	pause   time.Duration
	// cancelling: its newest attempt is being cancelled, and is accepted no more.
	cancelling bool
	// denied: the provider denies what is due. It says that it never had, or cancelled, money
	// that is known to have been authorised or captured there.
	denied bool
	// unreached: a call of its newest attempt failed, or the provider never heard of it.
	unreached bool
	// waited: its newest attempt waited for its turn. Its call is outlasted here, however short the
	// grace is from then on, and though its hard limit may know nothing of it: nobody foresaw 429s.
	waited bool
	// awaiting: its newest attempt waits for the buyer to authenticate. Nothing of it failed.
	// hurried: that was so at the order's hard limit, which ended the long pauses.
	awaiting, hurried bool
	method            [sha256.Size]byte // a digest of its means of payment, when it began here and is awaiting
}

// NewDesk returns a desk that settles until Close. Without a provider, which is nil then, it
// takes what costs nothing, and leaves what is due otherwise as it is.
func NewDesk(config Config, node Node, provider Provider) *Desk {
	d := &Desk{
		config: config, node: node, provider: provider, metered: meteredProvider{Provider: provider},
		settlers: make(chan struct{}, config.SettlersMax), enders: make(chan struct{}, endersMax),
		wake: make(chan struct{}, 1), working: map[uint64]chan struct{}{}, retries: map[uint64]retry{}, live: map[uint64]*live{},
	}
	d.stop, d.cancel = context.WithCancel(context.Background())
	d.line = newLine(&d.config, d.finished.Go)
	d.calls = linedProvider{&d.metered, d.line, config.CallTimeout}
	d.finished.Go(d.settleAll)
	return d
}

// Close ends the desk after the steps that are under way.
func (d *Desk) Close() error {
	d.cancel()
	d.line.close()
	d.finished.Wait()
	return nil
}

// Provider returns the desk's provider; nil for none.
func (d *Desk) Provider() Provider { return d.provider }

// uid returns an order's uid as buyers know it.
func (d *Desk) uid(v *sequencer.OrderView) string {
	return sequencer.FormatUID(v.Sale, v.Seq|uint64(d.config.Number())<<sequencer.ClusterShift)
}

// order returns an order as this replica shows it.
func (d *Desk) order(seq uint64) (view sequencer.OrderView, known bool) {
	d.node.Read(func(s sequencer.Reader) { view, known = s.Order(seq) })
	return view, known
}

// Unsettled returns of how many orders of a sale this replica shows that a payment is under
// way, or money is to be taken or given back.
func (d *Desk) Unsettled(sale uint16) (count int) {
	for after, more := uint64(0), true; more; more = after != 0 {
		d.node.Read(func(s sequencer.Reader) {
			var found int
			found, after = s.UnsettledOf(sale, after)
			count += found
		})
	}
	return count
}

// claim keeps others off an order until release; false when somebody works on it.
func (d *Desk) claim(order uint64) bool {
	return d.claimOr(order) == nil
}

// claimOr claims an order, or returns what is closed when it may be tried again.
func (d *Desk) claimOr(order uint64) (busy <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if until := d.working[order]; until != nil {
		return until
	}
	d.working[order] = make(chan struct{})
	return nil
}

// claimSoon claims an order that a settler may just ask about; false when ctx ends before.
func (d *Desk) claimSoon(ctx context.Context, order uint64) bool {
	for {
		busy := d.claimOr(order)
		if busy == nil {
			return true
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return false
		}
	}
}

func (d *Desk) release(order uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.working[order])
	delete(d.working, order)
}

// Wake makes the settlers look now.
func (d *Desk) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// isStopping reports whether an error ends all work of this desk until its node leads again.
func isStopping(err error) bool {
	return errors.Is(err, sequencer.ErrStopping) || errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrSuperseded)
}
