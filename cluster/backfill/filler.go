package backfill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"onsale/wal"
	"onsale/wal/journal"
)

// ErrBadConfig is returned when a configuration breaks a bound.
var ErrBadConfig = errors.New("bad configuration of the journal's filling")

// Config bounds the filling. Begin with DefaultConfig.
type Config struct {
	// BytesPerSecond bounds the blocks that are fetched. More fills sooner and takes
	// more of the disks and processors that sell.
	BytesPerSecond int
	// Interval is how often the filler looks whether something is missing. RetryMax is
	// up to how long it waits while nobody has what is.
	Interval, RetryMax time.Duration
	// AskTimeout bounds one question.
	AskTimeout time.Duration
	// Distrust is for how long a peer that was wrong is not asked.
	Distrust time.Duration
	// SegmentBytes is the size of a segment file.
	SegmentBytes int
	// Free returns the free bytes of the disk; below FreeBytesMin nothing is filled.
	Free         func() (int64, error)
	FreeBytesMin int64
	// Files is the disk.
	Files  wal.Files
	Logger *slog.Logger
}

// DefaultConfig returns the configuration that serves most; Free is the caller's to
// say.
func DefaultConfig() Config {
	return Config{BytesPerSecond: 8 << 20, Interval: 2 * time.Second, RetryMax: time.Minute, AskTimeout: 10 * time.Second,
		Distrust: 10 * time.Minute, SegmentBytes: journal.DefaultOptions().SegmentBytes,
		FreeBytesMin: 256 << 20, Files: wal.OS{}, Logger: slog.New(slog.DiscardHandler)}
}

// Validate returns ErrBadConfig when a field breaks its bound.
func (c *Config) Validate() error {
	if c.BytesPerSecond < 1<<10 || c.BytesPerSecond > 1<<33 {
		return fmt.Errorf("%w: BytesPerSecond is %d, allowed is %d to %d", ErrBadConfig, c.BytesPerSecond, 1<<10, 1<<33)
	}
	for name, d := range map[string]time.Duration{"Interval": c.Interval, "RetryMax": c.RetryMax, "AskTimeout": c.AskTimeout, "Distrust": c.Distrust} {
		if d < time.Millisecond || d > 24*time.Hour {
			return fmt.Errorf("%w: %s is %v, allowed is 1ms to 24h", ErrBadConfig, name, d)
		}
	}
	if c.Free == nil || c.Files == nil || c.Logger == nil {
		return fmt.Errorf("%w: Free, Files and Logger must be set", ErrBadConfig)
	}
	return nil
}

// pageBytes is how much is asked for at once: an eighth of a second's worth, so that a
// slow filling is a steady one.
func (c *Config) pageBytes() uint32 {
	return uint32(max(1<<10, min(c.BytesPerSecond/8, journal.PageBytesMax)))
}

// Peers are the other members of the cluster.
type Peers interface {
	// IDs returns who can be asked, in the order in which to ask.
	IDs() []string
	// Blocks asks one of them: journal.ErrNotKept when it does not have the first
	// block, sequencer.ErrOverloaded when it is busy, journal.ErrPage when its answer
	// is none.
	Blocks(ctx context.Context, id string, q journal.PageQuestion) (journal.Page, error)
}

// Filler fills the gaps of one journal until it is closed.
type Filler struct {
	config   Config
	history  *journal.History
	peers    Peers
	pace     *rate.Limiter
	wrong    map[string]time.Time // peers, and until when they are not asked
	told     map[string]bool      // what was logged, until there is no gap
	counters counters
	stop     context.Context // the filler's life
	cancel   context.CancelFunc
	finished sync.WaitGroup
}

type counters struct {
	blocks, bytes, gaps, failures, wrong, discarded, joined atomic.Uint64
}

// New returns a filler; Start lets it begin and Close ends it.
func New(config Config, history *journal.History, peers Peers) (*Filler, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	f := &Filler{config: config, history: history, peers: peers, wrong: map[string]time.Time{}, told: map[string]bool{},
		pace: rate.NewLimiter(rate.Limit(config.BytesPerSecond), int(config.pageBytes()))}
	f.stop, f.cancel = context.WithCancel(context.Background())
	return f, nil
}

// Start begins to look for gaps.
func (f *Filler) Start() { f.finished.Go(f.run) }

// Close ends the filler; what it has stored stays, and the next one goes on there.
func (f *Filler) Close() error {
	f.cancel()
	f.finished.Wait()
	return nil
}

func (f *Filler) run() {
	for pause := f.config.Interval; ; {
		before := f.counters.blocks.Load()
		err := f.round(f.stop)
		if err == nil || f.counters.blocks.Load() > before {
			pause = f.config.Interval
		} else {
			pause = min(2*pause, max(f.config.RetryMax, f.config.Interval))
		}
		select {
		case <-f.stop.Done():
			return
		case <-time.After(pause):
		}
	}
}

// round fills what is missing now, as far as the peers have it, and joins parts when nothing is.
func (f *Filler) round(ctx context.Context) error {
	spans, err := f.history.Missing()
	if err != nil {
		return f.failed("the journal's parts cannot be read", err)
	}
	f.tidy(spans)
	if len(spans) == 0 {
		clear(f.told)
		return f.join(ctx)
	}
	var errs []error
	for _, span := range spans {
		gap, err := f.history.Around(span)
		if err != nil {
			errs = append(errs, f.failed("the blocks around a gap of the journal cannot be read", err))
			continue
		}
		errs = append(errs, f.fill(ctx, gap))
	}
	return errors.Join(errs...)
}

// failed counts and logs what went wrong, the same thing once.
func (f *Filler) failed(what string, err error) error {
	f.counters.failures.Add(1)
	f.once(slog.LevelWarn, what, "error", err)
	return fmt.Errorf("%s: %w", what, err)
}

// toldMax bounds what is remembered of the log.
const toldMax = 1000

// once logs a line, unless the same one was logged since the journal was last whole.
func (f *Filler) once(level slog.Level, what string, details ...any) {
	line := what + fmt.Sprint(details...)
	if f.told[line] || f.stop.Err() != nil {
		return
	}
	if len(f.told) >= toldMax {
		clear(f.told)
	}
	f.told[line] = true
	f.config.Logger.Log(context.Background(), level, what, details...)
}
