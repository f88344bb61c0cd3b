package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"onsale/raftfsm"
)

// class is a kind of fault. strike begins one and returns what ends it; errNotNow says
// that nothing could be struck.
type class struct {
	name   string
	cards  int // in the deck
	strike func(ctx context.Context, b *breaker, random *rand.Rand) (mend func() error, err error)
	// alone says that the faults before it end first, and none comes beside it.
	alone bool
	// waits says that nothing is broken before somebody comes by: it lasts longer.
	waits bool
}

// errNotNow is returned by a strike that found nothing to break: no leader, or the
// process is broken already.
var errNotNow = errors.New("nothing to break now")

// classes returns every fault that this machine can make. What its kernel cannot do is
// told by missing.
func classes(weather, points bool) (all []class, missing []string) {
	all = []class{
		{name: "kill the leader", cards: 5, strike: killLeader},
		{name: "kill a follower", cards: 2, strike: killFollower},
		{name: "kill a front-end", cards: 1, strike: killFrontEnd},
		{name: "kill the provider", cards: 1, strike: killProvider},
		{name: "pause a node", cards: 2, strike: pauseNode},
		{name: "suspend all nodes", cards: 1, strike: suspendAll, alone: true},
		{name: "partition a node", cards: 2, strike: partition(true, true)},
		{name: "cut what a node sends", cards: 1, strike: partition(true, false)},
		{name: "cut what a node hears", cards: 1, strike: partition(false, true)},
		{name: "cut a front-end off", cards: 1, strike: cutFrontEnd},
		{name: "fill a disk", cards: 1, strike: fillDisk},
		{name: "fail an fsync", cards: 1, strike: failSync},
		{name: "transfer the leadership", cards: 1, strike: transfer},
		{name: "let a node join", cards: 2, strike: join},
		{name: "restart a node", cards: 1, strike: restart},
	}
	for _, c := range pointClasses() {
		if points {
			all = append(all, c)
		} else {
			missing = append(missing, c.name+" (the program is built without failpoints)")
		}
	}
	if weather {
		all = append(all, class{name: "delay and lose packets", cards: 2, strike: disturb})
	} else {
		missing = append(missing, "delay and lose packets (no nft, or a kernel without tbf or numgen)")
	}
	return all, missing
}

// pointClasses returns the faults that a program with failpoints alone can have.
func pointClasses() []class {
	all := []class{
		{name: crashAtPoint, cards: 5, strike: crashAtFailpoint, waits: true},
		{name: slowDisk, cards: 2, strike: slowAppends},
		{name: jumpClock, cards: 2, strike: jump},
		{name: wrongClock, cards: 2, strike: startWrong},
	}
	for name, places := range hangs {
		all = append(all, class{name: name, cards: 1, strike: hang(places)})
	}
	slices.SortFunc(all, func(a, b class) int { return strings.Compare(a.name, b.name) }) // a seed is one schedule
	return all
}

// breaker strikes, and knows what is broken now.
type breaker struct {
	stage *stage
	log   func(format string, values ...any)

	mu     sync.Mutex
	broken map[*process]bool
	wrong  bool           // some node's clock is
	counts map[string]int // strikes by class
	places placeDecks     // used by one era at a time
	failed error          // the first mend that failed

	mending sync.WaitGroup // faults that are being ended
}

func (b *breaker) count(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[name]++
}

func (b *breaker) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		b.failed = err
	}
}

func (b *breaker) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// take marks a process as broken; false when it is already.
func (b *breaker) take(p *process) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p == nil || b.broken[p] {
		return false
	}
	b.broken[p] = true
	return true
}

// takeClock marks a process as broken and its clock as the one that is wrong: the middle of three
// clocks is right while two are.
func (b *breaker) takeClock(p *process) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken[p] || b.wrong {
		return false
	}
	b.broken[p], b.wrong = true, true
	return true
}

// rightClock returns a mend that sets the clock right and gives the process free.
func (b *breaker) rightClock(p *process) func() error {
	return b.whole(p, func() error {
		err := os.Remove(p.clockFile)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.wrong = false
		return err
	})
}

// whole returns a mend that also gives the process free.
func (b *breaker) whole(p *process, mend func() error) func() error {
	return func() error {
		err := mend()
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.broken, p)
		return err
	}
}

// superviseInterval is how often the supervisor looks.
const superviseInterval = 200 * time.Millisecond

// supervise starts what ended by itself, as an init system would, until ctx ends. What
// a fault keeps down stays down.
func (b *breaker) supervise(ctx context.Context) {
	always := slices.DeleteFunc(b.stage.all(), func(p *process) bool { return p == b.stage.nodes[nodeCount] })
	for ctx.Err() == nil {
		for _, p := range always {
			if !p.isDead() || !b.take(p) {
				continue
			}
			err := b.whole(p, p.start)()
			b.log("%s had ended by itself and is started again (%v)", p.name, err)
		}
		time.Sleep(superviseInterval)
	}
}

func (b *breaker) leader(ctx context.Context) *process { return b.stage.leader(ctx) }

// follower returns one of the voters that does not lead.
func (b *breaker) follower(ctx context.Context, random *rand.Rand) *process {
	leader := b.leader(ctx)
	others := slices.DeleteFunc(slices.Clone(b.stage.voters()), func(p *process) bool { return p == leader })
	return others[random.IntN(len(others))]
}

func (b *breaker) anyVoter(random *rand.Rand) *process {
	return b.stage.voters()[random.IntN(nodeCount)]
}

func (b *breaker) killAndRestart(p *process) (func() error, error) {
	if !b.take(p) {
		return nil, errNotNow
	}
	p.kill()
	return b.whole(p, p.start), nil
}

func killLeader(ctx context.Context, b *breaker, _ *rand.Rand) (func() error, error) {
	return b.killAndRestart(b.leader(ctx))
}

func killFollower(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	return b.killAndRestart(b.follower(ctx, random))
}

func killFrontEnd(_ context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	return b.killAndRestart(b.stage.frontEnds[random.IntN(frontEndCount)])
}

func killProvider(_ context.Context, b *breaker, _ *rand.Rand) (func() error, error) {
	return b.killAndRestart(b.stage.provider)
}

func restart(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if !b.take(p) {
		return nil, errNotNow
	}
	return b.whole(p, p.start), p.stop()
}

func transfer(ctx context.Context, b *breaker, _ *rand.Rand) (func() error, error) {
	leader := b.leader(ctx)
	if leader == nil {
		return nil, errNotNow
	}
	seller, err := b.stage.seller(leader)
	if err != nil {
		return nil, err
	}
	if _, err := seller.ClusterStep(ctx, "transfer", map[string]string{}); err != nil {
		return nil, errNotNow // refused because of other faults
	}
	return func() error { return nil }, nil
}

// joinTime bounds the leaving of a node, which goes on through the faults beside it.
const joinTime = time.Minute

// join lets the fourth node in, and takes it out again later, for good: its next life
// has an empty folder.
func join(ctx context.Context, b *breaker, _ *rand.Rand) (func() error, error) {
	p := b.stage.nodes[nodeCount]
	if !b.take(p) {
		return nil, errNotNow
	}
	return b.whole(p, func() error {
		err := b.leave(p)
		p.kill()
		return errors.Join(err, each("rm -rf "+b.stage.disk(p)+"/data"))
	}), p.start()
}

// leave removes the node from the membership, as soon as somebody can.
func (b *breaker) leave(p *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	for ctx.Err() == nil {
		if leader := b.leader(ctx); leader != nil {
			seller, err := b.stage.seller(leader)
			if err != nil {
				return err
			}
			_, err = seller.ClusterStep(ctx, "remove", map[string]any{"id": p.name, "force": false})
			status, asked := b.stage.status(ctx, leader)
			if asked == nil && !slices.ContainsFunc(status.Members, func(m raftfsm.Member) bool { return m.ID == p.name }) {
				return nil
			}
			b.log("removing %s: %v", p.name, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	return errors.New("the fourth node could not be removed")
}
