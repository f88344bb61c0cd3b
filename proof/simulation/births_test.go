package simulation

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"onsale/audit"
	"onsale/audit/naive"
	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// A cluster is backed up, restored from whichever backup, recovered from a node that
// lagged, and copied, while its earlier histories go on beside the new ones: nobody knew
// that they were not lost. P10: no number is given out for two things.

// pedigree is all histories that began as one cluster, and their copies.
type pedigree struct {
	random    *rand.Rand
	clock     int64
	drawn     uint64 // cluster ids so far
	histories []*history
	backups   []backup
	given     map[numbered]int                       // which history gave a number out
	charged   map[sequencer.ClusterID]map[uint64]int // which gave out a number of a birth
	causes    map[sequencer.BirthCause]int
}

// numbered is a seq of a cluster and its successors; a copy is another cluster.
type numbered struct {
	cluster sequencer.ClusterID // the first birth's
	seq     uint64
}

// history is one course of decisions.
type history struct {
	id      int
	batches []sequencer.Batch // since the beginning, those of the histories before included
	state   *sequencer.State
	model   *naive.Model
	ledger  *audit.Ledger
}

// backup is a history up to some batch, as bytes.
type backup struct {
	of      *history
	batches int
	state   []byte
}

func newPedigree(seed uint64) *pedigree {
	return &pedigree{random: rand.New(rand.NewPCG(seed, 'b')), clock: dawn, given: map[numbered]int{},
		charged: map[sequencer.ClusterID]map[uint64]int{}, causes: map[sequencer.BirthCause]int{}}
}

// drawID returns a cluster id that nobody has.
func (p *pedigree) drawID() (id sequencer.ClusterID) {
	p.drawn++
	binary.LittleEndian.PutUint64(id[:], p.drawn)
	return id
}

// begin makes a history that goes on from batches; a new cluster's from none.
func (p *pedigree) begin(batches []sequencer.Batch, state *sequencer.State) (*history, error) {
	h := &history{id: len(p.histories), state: state, model: naive.New(), ledger: audit.NewLedger(10)}
	var d sequencer.Decisions
	replayed := sequencer.New()
	for i := range batches { // what was decided before: by the same rules, with the same numbers
		replayed.Apply(&batches[i], &d)
		if err := scenario.Compare(&d, h.model.Apply(&batches[i])); err != nil {
			return nil, err
		}
		h.ledger.Read(&batches[i], &d)
	}
	if replayed.Hash() != state.Hash() {
		return nil, fmt.Errorf("the state of the backup has hash %x, its batches make %x", state.Hash(), replayed.Hash())
	}
	h.batches = slices.Clone(batches)
	p.histories = append(p.histories, h)
	return h, nil
}

// decide decides a batch in a history and books the numbers that it gives out.
func (p *pedigree) decide(h *history, commands ...sequencer.Command) (*sequencer.Decisions, error) {
	batch := sequencer.Batch{Time: max(p.clock, h.state.Now()), Commands: commands}
	if len(commands) == 1 && commands[0].Kind == sequencer.KindBirth {
		batch.Time = h.state.Now()
	}
	d := new(sequencer.Decisions)
	h.state.Apply(&batch, d)
	h.batches = append(h.batches, batch)
	if err := scenario.Compare(d, h.model.Apply(&batch)); err != nil {
		return nil, err
	}
	h.ledger.Read(&batch, d)
	births := h.state.Births()
	for i := range d.Results {
		if err := p.book(h, births, d.FirstSeq+uint64(i)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// book notes a number that a history gives out: sessions are such numbers, uids are made
// of them, and payment keys of them and the birth in which they lie.
func (p *pedigree) book(h *history, births []sequencer.Birth, seq uint64) error {
	if seq > sequencer.SeqMax {
		return violated("P10", "history %d gives out %d, above 2^53", h.id, seq)
	}
	at := numbered{births[0].Cluster, seq}
	if before, taken := p.given[at]; taken {
		return violated("P10", "history %d gives out %d, as history %d did", h.id, seq, before)
	}
	p.given[at] = h.id

	birth := births[0]
	for _, b := range births {
		if b.FirstSeq <= seq {
			birth = b
		}
	}
	if p.charged[birth.Cluster] == nil {
		p.charged[birth.Cluster] = map[uint64]int{}
	}
	if before, taken := p.charged[birth.Cluster][seq]; taken {
		return violated("P10", "history %d would charge under the key of %d of birth %s, as history %d did", h.id, seq, birth.Cluster, before)
	}
	p.charged[birth.Cluster][seq] = h.id
	return nil
}

// bear makes a birth in a history, a millisecond or more after every other.
func (p *pedigree) bear(h *history, cause sequencer.BirthCause) error {
	p.clock += millisecond
	p.causes[cause]++
	c := sequencer.Command{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest(p.drawID()), Amount: p.clock, Count: uint32(cause)}
	for range 1 + p.random.IntN(2) { // a leader that did not know of the first proposes it again
		d, err := p.decide(h, c)
		if err != nil {
			return err
		}
		if d.Results[0].Code != sequencer.CodeOK {
			return violated("P10", "a birth by %s at %d is decided as %s", cause, p.clock, d.Results[0].Code)
		}
	}
	return nil
}

// step does one thing.
func (p *pedigree) step() error {
	h := p.histories[p.random.IntN(len(p.histories))]
	switch n := p.random.IntN(100); {
	case n < 6:
		return p.backUp(h)
	case n < 10 && len(p.backups) > 0:
		return p.restore(&p.backups[p.random.IntN(len(p.backups))])
	case n < 12:
		return p.recover(h)
	case n < 30:
		p.clock += []int64{millisecond, 1000 * millisecond, int64(time.Minute), int64(time.Hour)}[p.random.IntN(4)]
		return nil
	}
	_, err := p.decide(h, p.commands(h)...)
	return err
}

// commands draws a batch.
func (p *pedigree) commands(h *history) (commands []sequencer.Command) {
	for range 1 + p.random.IntN(6) {
		user := named('u', p.random.Int32N(40))
		c := sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: user,
			Key: sequencer.DigestKey(user, named('k', p.random.Int32N(6)))}
		switch p.random.IntN(12) {
		case 0:
			c = sequencer.Command{Kind: sequencer.KindSessionOpen}
		case 1:
			c = sequencer.Command{Kind: sequencer.KindForward, Order: uint64(p.random.Int64N(int64(h.state.Seq()) + 1)), Amount: 1, Count: 1}
		case 2:
			c = sequencer.Command{Kind: sequencer.KindPayBegin, Order: h.state.Seq(), User: user, Amount: 100, Count: 60 * uint32(p.random.IntN(2)), Reference: []byte("a")}
		}
		commands = append(commands, c)
	}
	return commands
}

func (p *pedigree) backUp(h *history) error {
	var out bytes.Buffer
	if _, err := h.state.Snapshot().WriteTo(&out); err != nil {
		return err
	}
	p.backups = append(p.backups, backup{h, len(h.batches), out.Bytes()})
	return nil
}

func (p *pedigree) restore(b *backup) error {
	state, err := sequencer.ReadSnapshot(bytes.NewReader(b.state))
	if err != nil {
		return err
	}
	h, err := p.begin(b.of.batches[:b.batches], state)
	if err != nil {
		return err
	}
	cause := sequencer.BirthRestore
	if p.random.IntN(4) == 0 {
		cause = sequencer.BirthCopy
	}
	return p.bear(h, cause)
}

// recover goes on from a node that lagged by a few batches; the others come back too.
func (p *pedigree) recover(of *history) error {
	batches := of.batches[:max(len(of.batches)-p.random.IntN(4), 1)]
	state, d := sequencer.New(), sequencer.Decisions{}
	for i := range batches {
		state.Apply(&batches[i], &d)
	}
	h, err := p.begin(batches, state)
	if err != nil {
		return err
	}
	return p.bear(h, sequencer.BirthRecover)
}

// finish holds every history against the audit and its own snapshot.
func (p *pedigree) finish() error {
	for _, h := range p.histories {
		h.ledger.Finish()
		if found := h.ledger.Findings(); len(found) > 0 {
			return violated("P10", "the audit of history %d finds %s", h.id, found[0].String())
		}
		if err := h.state.Verify(); err != nil {
			return err
		}
	}
	return nil
}

// birthSteps is how many steps a seed has.
const birthSteps = 120

func playBirths(seed uint64) (p *pedigree, err error) {
	p = newPedigree(seed)
	return p, guarded(func() error {
		h, err := p.begin(nil, sequencer.New())
		if err != nil {
			return err
		}
		if err := p.bear(h, sequencer.BirthNew); err != nil {
			return err
		}
		spec := specOf("s1", []int32{2, 10, 100, 3_600_000, 600_000, 0, 0, 0, 0})
		spec.Quantity = 50
		if _, err := p.decide(h, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}); err != nil {
			return err
		}
		for range birthSteps {
			if err := p.step(); err != nil {
				return err
			}
		}
		return p.finish()
	})
}

// P10: whatever is restored, recovered or copied, no uid, key or session is given out for
// two things, though the histories before go on.
func TestBirths(t *testing.T) {
	causes := map[sequencer.BirthCause]int{}
	seeds := testenv.Pick(*seedCount, min(*seedCount, seedsInShortRun))
	for seed := *firstSeed; seed < *firstSeed+seeds; seed++ {
		p, err := playBirths(seed)
		if err != nil {
			t.Fatalf("again with -run TestBirths -seed %d -seeds 1:\n%v", seed, err)
		}
		for cause, n := range p.causes {
			causes[cause] += n
		}
	}
	t.Logf("%d seeds, births by cause %v", seeds, causes)
	for cause := sequencer.BirthNew; cause <= sequencer.BirthCopy; cause++ {
		if causes[cause] == 0 {
			t.Errorf("no cluster was born by %s", cause)
		}
	}
}
