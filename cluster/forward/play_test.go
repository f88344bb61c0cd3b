package forward

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

var (
	playSeed = flag.Uint64("seed", 0, "the first play's seed; 0 takes one from the clock")
	plays    = flag.Int("plays", 300, "how many plays TestSenderPlayed plays")
)

// The times of a play, in its bubble.
const (
	playedDecideTimeout  = 2 * time.Second
	playedAttemptTimeout = 200 * time.Millisecond
)

// play is a client, with or without a node of its own, among scripted nodes.
type play struct {
	*script
	client    *Client
	directory *Directory
	asked     []*asked
	waiting   sync.WaitGroup
}

// asked is who waits for one command.
type asked struct {
	command string
	result  sequencer.Result
	err     error
	took    time.Duration
}

// The sender itself is played against leaders that say and do everything, in random
// order: they decide and lose the answer, do not decide and lose it, hang and decide
// later, forget sessions and decisions, are deposed and live, speak nonsense. A command
// is executed at most once, in the order in which commands came; what is told as not
// taken never was and never will be; what is told as decided was, with that decision;
// and once one leader answers, commands are decided again.
func TestSenderPlayed(t *testing.T) {
	first := *playSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	told := map[string]int{}
	for seed := first; seed < first+uint64(*plays) && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) { playOnce(t, seed, told) })
	}
	for _, kind := range []string{"decided", "unknown", "not taken"} {
		if told[kind] == 0 && *plays >= 100 {
			t.Errorf("void: nobody was told %q: %v", kind, told)
		}
	}
	t.Logf("seed %d: %v", first, told)
}

func playOnce(t *testing.T, seed uint64, told map[string]int) {
	p := newPlay(rand.New(rand.NewPCG(seed, 'p')))
	network := new(memory)
	stop := p.open(network)
	p.begin(network)

	leave := p.upTo(4) == 0 // while others wait
	for i := range 30 {
		time.Sleep(p.upTo(3) * p.upTo(40*time.Millisecond))
		p.ask(i)
		p.news()
	}
	if !leave {
		p.waiting.Wait()
		p.comesToRest(t, seed)
	}
	if err := p.client.Close(); err != nil {
		t.Error(err)
	}
	p.waiting.Wait()
	time.Sleep(3 * playedDecideTimeout) // what is decided later was
	stop()

	p.check(told)
	for _, violation := range p.log.violations {
		t.Errorf("seed %d, verdicts %v, accidents %v: %s", seed, p.verdicts, p.accidents, violation)
	}
}

// newPlay draws what may happen: some of everything, so that each comes often enough to
// meet the others in every order.
func newPlay(random *rand.Rand) *play {
	s := &script{random: random, log: newFakeLog(), granted: map[uint64]Limits{}, verdicts: []verdict{decides, decides}, accidents: []accident{arrives, arrives}}
	for range random.IntN(5) {
		s.verdicts = append(s.verdicts, verdict(random.IntN(int(verdicts))))
	}
	for range random.IntN(4) {
		s.accidents = append(s.accidents, accident(random.IntN(int(accidents))))
	}
	least := sequencer.CommandBytesMax + sequencer.ForwardBytes + 1
	for i := range 3 {
		id := fmt.Sprint("n", i)
		s.nodes = append(s.nodes, &stage{script: s, number: i, id: id, address: id + ":7101",
			limits: Limits{RequestsMax: 3 + random.IntN(6), BytesMax: least + random.IntN(200)}})
	}
	return &play{script: s}
}

// open lets the nodes listen.
func (p *play) open(network *memory) (stop func()) {
	var running sync.WaitGroup
	var listeners []*peer.Listener
	for _, node := range p.nodes {
		config := peer.DefaultConfig()
		config.ID = node.id
		listener := peer.NewListener(network.listen(node.address), config)
		listeners = append(listeners, listener)
		running.Go(func() { listener.Serve() })
		running.Go(func() {
			for service := listener.Service(peer.Forward); ; {
				conn, err := service.Accept()
				if err != nil {
					return
				}
				running.Go(func() { node.serve(conn) })
			}
		})
	}
	return func() {
		for _, listener := range listeners {
			listener.Close()
		}
		running.Wait()
	}
}

// begin starts the client; in half of the plays it has the first node in its process.
func (p *play) begin(network *memory) {
	config, peers := DefaultClientConfig(), peer.DefaultConfig()
	config.DecideTimeout, config.AttemptTimeout = playedDecideTimeout, playedAttemptTimeout
	config.QueueRequestsMax, config.BatchRequestsMax = 24, 6
	peers.ID, peers.Dial, peers.HandshakeTimeout = "f1", network.dial, playedAttemptTimeout
	p.directory = NewDirectory([]string{p.nodes[0].address, nowhere, p.nodes[1].address, blackHole, p.nodes[2].address})
	if own := p.nodes[0]; p.upTo(2) == 0 {
		p.client = NewClient(config, &peers, p.directory, ownStage{own}, own.limits)
		return
	}
	peers.Role = peer.FrontEnd
	p.client = NewClient(config, &peers, p.directory, nil, Limits{})
}

// ask puts one command, or several that stay together, into the queue.
func (p *play) ask(number int) {
	count, began := 1, time.Now()
	if p.upTo(4) == 0 {
		count = 2 + int(p.upTo(4))
	}
	frames, group := []byte(nil), []*asked(nil)
	for i := range count {
		command := sequencer.AppendCommand(nil, buyOf(fmt.Sprintf("%03d-%d", number, i)))
		frames, group = append(frames, command...), append(group, &asked{command: string(command)})
	}
	p.asked = append(p.asked, group...)
	results := make([]sequencer.Result, count)
	waiter, err := p.client.inbox.PutMany(frames, count, results)
	p.waiting.Go(func() {
		if err == nil {
			_, err = p.client.inbox.Wait(waiter)
		}
		for i, one := range group {
			one.result, one.err, one.took = results[i], err, time.Since(began)
		}
	})
}

// news changes who leads, and tells of it or not.
func (p *play) news() {
	if !p.chance(6) {
		return
	}
	p.mu.Lock()
	p.leader = p.random.IntN(len(p.nodes))
	leader := p.nodes[p.leader]
	p.mu.Unlock()
	if p.chance(2) {
		p.directory.SetLeader(leader.id, leader.address)
	}
}

// comesToRest checks that commands are decided soon after one leader answers.
func (p *play) comesToRest(t *testing.T, seed uint64) {
	p.mu.Lock()
	p.calm = true
	p.mu.Unlock()
	time.Sleep(playedDecideTimeout)
	if _, err := p.client.Decide(buyOf("calm")); err != nil {
		t.Errorf("seed %d: a leader answers, a command is told %v", seed, err)
	}
	if p.client.inbox.Closed() != nil || p.client.Waiting() != 0 || p.client.Load() != 0 {
		t.Errorf("seed %d: at rest %v, %d wait", seed, p.client.inbox.Closed(), p.client.Waiting())
	}
}

// check holds what each was told against what was executed in the end.
func (p *play) check(told map[string]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var decided, unknown, notTaken uint64
	for _, one := range p.asked {
		seqs := p.log.orders[one.command]
		switch {
		case len(seqs) > 1:
			p.log.violated("%q was executed %d times", one.command, len(seqs))
		case one.took > playedDecideTimeout+2*playedAttemptTimeout:
			p.log.violated("%q was told %v after %v", one.command, one.err, one.took)
		case one.err == nil:
			decided++
			if len(seqs) != 1 || one.result.Order != seqs[0] {
				p.log.violated("%q was told %+v, and was executed at %v", one.command, one.result, seqs)
			}
		case isUnknown(one.err):
			unknown++
		case !isAny(one.err, sequencer.ErrNoLeader, sequencer.ErrOverloaded, sequencer.ErrStopping, codes.ErrRejected):
			p.log.violated("%q was told %v", one.command, one.err)
		default:
			notTaken++
			if len(seqs) > 0 {
				p.log.violated("%q was told %v, and was executed", one.command, one.err)
			}
		}
	}
	told["decided"] += int(decided)
	told["unknown"] += int(unknown)
	told["not taken"] += int(notTaken)
	p.checkOrder()
	p.checkCounters(decided, unknown, notTaken)
}

// checkOrder: users' names grow with the order in which they came.
func (p *play) checkOrder() {
	mine := slices.DeleteFunc(slices.Clone(p.log.order), func(c string) bool { return strings.Contains(c, "calm") })
	if !slices.IsSorted(mine) {
		p.log.violated("executed in the order %q", mine)
	}
}

// checkCounters: everybody is counted once, as what was told.
func (p *play) checkCounters(decided, unknown, notTaken uint64) {
	n, queue := p.client.Counters(), p.client.inbox
	decided += uint64(len(p.log.orders[string(sequencer.AppendCommand(nil, buyOf("calm")))]))
	refused := n.NoLeader.Load() + queue.Refused() + p.client.Overloaded()
	if n.Requests.Load() != decided || n.Unknown.Load() != unknown || refused != notTaken {
		p.log.violated("counted are %d decided, %d unknown, %d refused; told %d, %d, %d",
			n.Requests.Load(), n.Unknown.Load(), refused, decided, unknown, notTaken)
	}
}
