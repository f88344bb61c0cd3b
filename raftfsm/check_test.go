package raftfsm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// damagedMachine is a replica whose memory changes under it at one batch.
type damagedMachine struct {
	raft.FSM
	node *Node
	at   uint64 // height of the journal
}

func (m *damagedMachine) Apply(l *raft.Log) any {
	if l.Type == raft.LogCommand && m.node.data.Journal.Position().Height == m.at {
		var batch sequencer.Batch
		frame := sequencer.AppendCommand(make([]byte, sequencer.BatchHeaderBytes), &sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte("nobody")})
		sequencer.PutBatchHeader(frame, m.node.machine.state.Now(), 1)
		if err := sequencer.DecodeBatch(frame, &batch); err != nil {
			panic(err)
		}
		m.node.machine.mu.Lock() // readers of the node's status are beside it
		m.node.machine.state.Apply(&batch, new(sequencer.Decisions))
		m.node.machine.mu.Unlock()
	}
	return m.FSM.Apply(l)
}

const checkedHeight = 40

// checked is a cluster whose replicas compare every 8 batches, with one or more of them
// damaged at a height.
type checked struct {
	*cluster
	mu       sync.Mutex
	failures map[string]error
}

func newChecked(t *testing.T, damaged ...string) *checked {
	c := &checked{failures: map[string]error{}}
	c.cluster = newCluster(t, func(config *Config) {
		config.CheckBatches = 8
		// A check that was proposed is lost with its leader's office, and the next one finds the same later.
		config.HeartbeatTimeout, config.ElectionTimeout, config.LeaseTimeout = time.Second, time.Second, 500*time.Millisecond
		id := config.NodeID
		config.Fatal = func(err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failures[id] = err
		}
		if strings.Contains(fmt.Sprint(damaged), id) {
			config.seams.machine = func(n *Node, fsm raft.FSM) raft.FSM { return &damagedMachine{fsm, n, checkedHeight} }
		}
	})
	return c
}

func (c *checked) failure(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failures[id]
}

// lead makes a node the leader.
func (c *checked) lead(id string) {
	eventually(c.t, id+" leads", func() bool {
		leader := c.nodes[c.leader()]
		if leader.config.NodeID == id {
			return true
		}
		_ = leader.Membership().Transfer(id)
		return false
	})
}

// sell buys until the leader's journal has a height, and lets the leader propose checks
// all along, as package membership does.
func (c *checked) sell(height uint64) {
	after := uint64(0)
	for i := 0; ; i++ {
		leader := c.nodes[c.leader()]
		if leader.Status().JournalHeight >= height {
			return
		}
		_, _ = buyAs(leader, fmt.Sprint("user-", i), 1) // a leader that stops answers nothing
		after = max(after, leader.Checks().Propose(c.tell(leader.Status().JournalHeight), after))
		for k, n := range c.nodes {
			if n != nil && c.failure(n.config.NodeID) != nil {
				c.stop(k) // its process has ended
			}
		}
	}
}

// tell returns what everybody says who has reached a height.
func (c *checked) tell(height uint64) map[string][]Checkpoint {
	told := map[string][]Checkpoint{}
	for _, n := range c.nodes {
		if n == nil {
			continue
		}
		eventually(c.t, "a node applied what the leader has", func() bool {
			return c.failure(n.config.NodeID) != nil || n.Status().JournalHeight >= height
		})
		if c.failure(n.config.NodeID) == nil {
			told[n.config.NodeID] = n.Checks().Newest()
		}
	}
	return told
}

// A replica that differs stops within few batches, says where and what, and it alone:
// whether it follows or leads. It stops again at its next start.
func TestDivergedReplicaStops(t *testing.T) {
	testenv.TakesLong(t, "waits for elections of three nodes, twice")
	for name, leads := range map[string]bool{"follower": false, "leader": true} {
		t.Run(name, func(t *testing.T) {
			c := newChecked(t, "n2")
			defer c.close()
			c.lead(map[bool]string{false: "n1", true: "n2"}[leads])
			c.createSale(concert(1000))
			c.sell(checkedHeight + 3*8 + 32)
			failure := c.failure("n2")
			if !errors.Is(failure, ErrDiverged) || !strings.Contains(failure.Error(), "at height 48 of the journal") {
				t.Fatalf("n2 stopped with %v", failure)
			}
			for _, id := range []string{"n1", "n3"} {
				if err := c.failure(id); err != nil {
					t.Errorf("%s stopped too: %v", id, err)
				}
			}
			c.converge()
			var said []Divergence
			for _, n := range c.nodes {
				if n != nil && !n.machine.checkpoints.blamed()["n2"] {
					t.Errorf("%s does not know that n2 differs", n.config.NodeID)
				}
				if n != nil {
					said = append(said, n.Status().Diverged...)
				}
			}
			if len(said) != 2 || said[0] != said[1] || said[0].ID != "n2" || said[0].Since.Unix() == 0 {
				t.Errorf("the others' status says %v", said)
			}
			if c.nodes[1] != nil {
				t.Fatal("n2 still runs")
			}
			c.mu.Lock()
			delete(c.failures, "n2")
			c.mu.Unlock()
			c.start(1)
			eventually(t, "n2 finds the check again", func() bool { return errors.Is(c.failure("n2"), ErrDiverged) })
			c.stop(1)
		})
	}
}

// Where no majority agrees nobody is stopped: nothing says who is right.
func TestNobodyStopsWithoutAMajority(t *testing.T) {
	testenv.TakesLong(t, "it waits for what must not happen")
	c := newChecked(t, "n2")
	defer c.close()
	c.lead("n1")
	c.createSale(concert(1000))
	c.stop(2)
	c.sell(checkedHeight + 32)
	for _, n := range c.nodes[:2] {
		n.machine.checkpoints.mu.Lock()
		counts := n.machine.checkpoints.undecided.Load()
		n.machine.checkpoints.mu.Unlock()
		if err := c.failure(n.config.NodeID); err != nil || counts == 0 {
			t.Errorf("%s: %v, %d checks without a majority", n.config.NodeID, err, counts)
		}
	}
}

func sampleCheck() check {
	return check{height: 512, voters: 3, claims: []claim{
		{"n1", true, 7, journal.Hash{1}}, {"n2", true, 8, journal.Hash{2}}, {"n3", true, 7, journal.Hash{1}}, {"learner", false, 8, journal.Hash{2}},
	}}
}

// The vote of one hash needs a majority of the voters, not of the claims.
func TestDecidedByVoters(t *testing.T) {
	for name, of := range map[string]struct {
		change func(*check)
		hash   byte
	}{
		"two of three":             {func(*check) {}, 1},
		"learners have no vote":    {func(c *check) { c.claims[2].hash = journal.Hash{3} }, 0},
		"two of five":              {func(c *check) { c.voters = 5 }, 0},
		"one of one":               {func(c *check) { c.voters, c.claims = 1, c.claims[1:2] }, 2},
		"two of two differ":        {func(c *check) { c.voters, c.claims = 2, c.claims[:2] }, 0},
		"nobody said anything":     {func(c *check) { c.claims = nil }, 0},
		"one of three was reached": {func(c *check) { c.claims = c.claims[:1] }, 0},
	} {
		c := sampleCheck()
		of.change(&c)
		decided, is := c.decided()
		if is != (of.hash != 0) || is && decided.hash[0] != of.hash {
			t.Errorf("%s: %v, %+v", name, is, decided)
		}
	}
}

// A check that cannot be read stops nobody, and each that can is read as it was written.
func TestCheckCodec(t *testing.T) {
	c := sampleCheck()
	data := c.append(nil)
	again, err := decodeCheck(data)
	if err != nil || fmt.Sprint(*again) != fmt.Sprint(c) {
		t.Errorf("%+v, %v", again, err)
	}
	for cut := 1; cut < len(data); cut++ {
		if _, err := decodeCheck(data[:cut]); !errors.Is(err, errCheck) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	if _, err := decodeCheck(append(data, 0)); !errors.Is(err, errCheck) {
		t.Errorf("a byte more: %v", err)
	}
	points := newCheckpoints(1)
	for _, odd := range [][]byte{{99}, {1}, data[:20]} {
		if err := points.verify(odd, 0, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%s stops the replica: %v", hex.EncodeToString(odd), err)
		}
	}
	if points.malformed.Load() != 2 {
		t.Errorf("%d malformed checks", points.malformed.Load())
	}
}
