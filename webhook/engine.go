package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"onsale/internal/secretfile"
	"onsale/internal/watched"
)

// Errors of what a person asks for.
var (
	// ErrUnknown is returned for an endpoint that the configuration does not have.
	ErrUnknown = errors.New("there is no endpoint of this name")
	// ErrNotDead is returned for a dead letter that is not there.
	ErrNotDead = errors.New("there is no dead letter of this number")
	// ErrFull is returned when no more dead letters can be taken back until others are delivered.
	ErrFull = errors.New("too many events wait for this endpoint already")
	// ErrStopping is returned when the endpoint, or the process, stops.
	ErrStopping = errors.New("the endpoint is stopping; ask again")
)

func isRefusal(err error) bool {
	return errors.Is(err, ErrNotDead) || errors.Is(err, ErrFull)
}

// Config is what an Engine needs.
type Config struct {
	State  *State
	Source Source
	// Agent is the User-Agent of what is sent.
	Agent  string
	Logger *slog.Logger
	// Failed is sent the error that ends the process, the state file's; what has no room there is dropped.
	Failed chan<- error
}

// Engine delivers to all endpoints of the configuration, each by a courier of its own.
type Engine struct {
	config Config

	mu      sync.Mutex
	ending  bool
	running map[string]*running
}

// running is an endpoint that is delivered to.
type running struct {
	config  Endpoint
	courier *courier
	secrets *watched.File
	sender  *sender
	stop    context.CancelFunc
	done    chan struct{} // closed when it has stopped
}

// NewEngine returns an engine without endpoints.
func NewEngine(config Config) *Engine {
	return &Engine{config: config, running: map[string]*running{}}
}

// Set makes the endpoints those of a configuration: new ones begin, others go on, what is gone
// or changed stops first, without losing anything. It returns what is wrong, and changes nothing
// then.
func (e *Engine) Set(endpoints map[string]Endpoint) error {
	if err := Check(endpoints); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ending {
		return ErrStopping
	}
	fresh, err := e.open(endpoints)
	if err != nil {
		return err
	}
	for name, r := range e.running {
		if wanted, is := endpoints[name]; !is || fresh[name] != nil || !reflect.DeepEqual(wanted.withDefaults(), r.config) {
			r.end()
			delete(e.running, name)
		}
	}
	for name, r := range fresh {
		if err := e.begin(name, r); err != nil {
			return err
		}
	}
	return nil
}

// open makes what is new or changed, and begins nothing.
func (e *Engine) open(endpoints map[string]Endpoint) (map[string]*running, error) {
	fresh := map[string]*running{}
	var wrong error
	for name, endpoint := range endpoints {
		endpoint = endpoint.withDefaults()
		if old := e.running[name]; old != nil && reflect.DeepEqual(old.config, endpoint) {
			continue
		}
		keys := new(signer)
		secrets, err := watched.Open(watched.Config{Name: "endpoints." + name + ".secret_file", Path: endpoint.SecretFile, Read: secretfile.Read,
			Take: keys.take, Clock: time.Now, Logger: e.config.Logger})
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("[endpoints.%s]: secret_file: %w", name, err))
			continue
		}
		fresh[name] = &running{config: endpoint, secrets: secrets, sender: newSender(endpoint, keys, e.config.Agent), done: make(chan struct{})}
	}
	return fresh, wrong
}

// begin lets an endpoint run.
func (e *Engine) begin(name string, r *running) error {
	c, err := newCourier(name, r.config, e.config.State, e.config.Source, r.sender.send, e.config.Logger)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	r.courier, r.stop = c, stop
	e.running[name] = r
	go func() {
		defer close(r.done)
		if err := c.run(ctx); err != nil {
			select {
			case e.config.Failed <- fmt.Errorf("endpoint %s: %w", name, err):
			default: // another one's ends the process
			}
		}
	}()
	return nil
}

// newCourier returns a courier that goes on where the last process ended.
func newCourier(name string, config Endpoint, state *State, source Source, send func(context.Context, *Event) outcome, log *slog.Logger) (*courier, error) {
	now := time.Now()
	p, items, dead, err := state.load(name, now)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", name, err)
	}
	c := &courier{name: name, config: config, state: state, source: source, send: send, log: log, queue: newQueue(), now: p, dead: dead,
		random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), pages: make(chan readPage, 1),
		results: make(chan attempt, config.Concurrency), orders: make(chan order), shown: new(shown)}
	if p.Failing > 0 {
		c.marked = now
	}
	for _, i := range items {
		c.queue.add(i)
	}
	c.publish(now)
	return c, nil
}

// end stops an endpoint and waits for that.
func (r *running) end() {
	r.stop()
	<-r.done
	r.sender.close()
}

// Look reads the secrets again that have changed; a file that does not load changes nothing.
func (e *Engine) Look() {
	for _, r := range e.all() {
		_ = r.secrets.Look() // it has told why, and Checks do
	}
}

// Close stops all endpoints: attempts under way get drainTimeout.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ending = true
	for _, r := range e.running {
		r.stop()
	}
	for _, r := range e.running {
		r.end()
	}
}

// all returns the endpoints in the order of their names.
func (e *Engine) all() (all []*running) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(e.running)) {
		all = append(all, e.running[name])
	}
	return all
}

// find returns an endpoint, or ErrUnknown.
func (e *Engine) find(name string) (*running, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.running[name]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
}

// tell has a courier do something on its own goroutine.
func (r *running) tell(ctx context.Context, do func() error) error {
	o := order{do: do, done: make(chan error, 1)}
	select {
	case r.courier.orders <- o:
		return <-o.done
	case <-r.done:
		return ErrStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}
