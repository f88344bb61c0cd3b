package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// salesQuestion asks for the sales that changed after a position. It is JSON:
// sales change a few times a second as seen from here, whatever the rush.
type salesQuestion struct {
	AfterSeq  uint64 `json:"after_seq"`
	AfterTime int64  `json:"after_time_ns"`
	// Height is up to which block the asker knows which orders changed.
	Height uint64 `json:"height"`
}

// salesAnswer has the sales that changed, oldest change first, about salesPageMax
// of them at most. A batch without commands changes sales too (holds end), so that
// the seq alone does not tell what is new. AppliedSeq is how far they show everything when More is
// false.
type salesAnswer struct {
	Sales         []sequencer.SaleView `json:"sales"`
	More          bool                 `json:"more"`
	AppliedSeq    uint64               `json:"applied_seq"`
	Position      sequencer.Position   `json:"position"` // of the last batch that they show
	LeaderID      string               `json:"leader_id"`
	LeaderAddress string               `json:"leader_address"`
	Addresses     []string             `json:"addresses"` // of the nodes' peers' ports

	Changed  []uint64 `json:"changed"`  // orders that changed above the asker's height
	Complete bool     `json:"complete"` // else any order may have changed
	Height   uint64   `json:"height"`   // up to which that is so
}

// salesPageMax bounds the sales of one answer; a view is below 3 KB of JSON.
const salesPageMax = 1000

// sales answers a salesQuestion.
func (c *caller) sales(body, dst []byte) ([]byte, error) {
	var q salesQuestion
	if err := json.Unmarshal(body, &q); err != nil {
		return dst, fmt.Errorf("%w: %w", codes.ErrRejected, err)
	}
	if err := c.server.node.Leader(); errors.Is(err, sequencer.ErrSuperseded) {
		return dst, err // so that a front-end asks another node
	}
	answer := salesAnswer{AppliedSeq: c.server.node.AppliedSeq(), Position: c.server.node.AppliedPosition()} // read before the sales, so that it is not ahead of them
	answer.Sales = c.server.node.SalesAfter(q.AfterSeq, q.AfterTime)
	answer.cut()
	if !answer.More {
		answer.Changed, answer.Height, answer.Complete = c.server.node.Changes(q.Height)
	}
	answer.LeaderID, answer.LeaderAddress, _ = c.server.directory.Leader()
	answer.Addresses = c.server.directory.Addresses()
	text, err := json.Marshal(&answer)
	return append(dst, text...), err
}

// cut shortens the answer to a page. Sales that one batch changed stay together,
// because the next question is for what changed after it.
func (a *salesAnswer) cut() {
	end := min(salesPageMax, len(a.Sales))
	for end > 0 && end < len(a.Sales) && a.Sales[end].AsOfSeq == a.Sales[end-1].AsOfSeq && a.Sales[end].AsOfTime == a.Sales[end-1].AsOfTime {
		end++
	}
	a.Sales, a.More = a.Sales[:end], end < len(a.Sales)
}

// mirror is a front-end's copy of the sales.
type mirror struct {
	table   atomic.Pointer[saleTable]
	applied atomic.Uint64
	// position is that of the node that was asked last.
	position atomic.Pointer[sequencer.Position]

	mu        sync.Mutex // of who updates
	cluster   peer.ClusterID
	work      []sequencer.SaleView
	changed   bool // work is not published yet
	afterSeq  uint64
	afterTime int64
	height    uint64
	hub       *Hub
}

// saleTable never changes once it is published.
type saleTable struct {
	views []sequencer.SaleView // by number - 1
	byID  map[string]*sequencer.SaleView
}

func newMirror() *mirror {
	m := new(mirror)
	m.table.Store(&saleTable{})
	m.position.Store(&sequencer.Position{})
	return m
}

// begin follows another cluster from its beginning: what is shown of the one before may
// never have been in it.
func (m *mirror) begin(cluster peer.ClusterID) {
	m.work, m.changed = nil, m.cluster != (peer.ClusterID{})
	m.afterSeq, m.afterTime, m.height = 0, 0, 0
	m.cluster = cluster
	m.applied.Store(0)
}

// update asks a node for what changed and publishes it when it has all.
func (m *mirror) update(ctx context.Context, link *Link, directory *Directory) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if is := link.Peer().Cluster; is != m.cluster && is != (peer.ClusterID{}) {
		m.begin(is)
	}
	for {
		question, err := json.Marshal(salesQuestion{m.afterSeq, m.afterTime, m.height})
		if err != nil {
			return err
		}
		body, err := link.ask(ctx, kindSales, question)
		if err != nil {
			return err
		}
		var answer salesAnswer
		if err := json.Unmarshal(body, &answer); err != nil {
			return fmt.Errorf("%w: %w", ErrFrame, err)
		}
		if err := m.merge(answer.Sales); err != nil {
			return err
		}
		if !answer.More {
			directory.SetAddresses(answer.Addresses)
			if answer.LeaderAddress != "" {
				directory.SetLeader(answer.LeaderID, answer.LeaderAddress)
			}
			if err := m.publish(answer.AppliedSeq); err != nil {
				return err
			}
			m.position.Store(&answer.Position)
			m.height = answer.Height
			tell(m.hub, answer.Changed, answer.Complete)
			return nil
		}
	}
}

// merge takes a page into the working copy. Pages come in the order of changes, so
// that until the last one there may be gaps in the numbers.
func (m *mirror) merge(sales []sequencer.SaleView) error {
	for _, v := range sales {
		if v.Number == 0 {
			return fmt.Errorf("%w: a sale without a number", ErrFrame)
		}
		for len(m.work) < int(v.Number) {
			m.work = append(m.work, sequencer.SaleView{})
		}
		m.work[v.Number-1] = v
		m.afterSeq, m.afterTime, m.changed = v.AsOfSeq, v.AsOfTime, true
	}
	return nil
}

func (m *mirror) publish(applied uint64) error {
	if m.changed {
		table := &saleTable{views: slices.Clone(m.work), byID: make(map[string]*sequencer.SaleView, len(m.work))}
		for i := range table.views {
			if table.views[i].Number == 0 {
				return fmt.Errorf("%w: sale %d is missing", ErrFrame, i+1)
			}
			table.byID[table.views[i].ID] = &table.views[i]
		}
		m.table.Store(table)
		m.changed = false
	}
	if applied > m.applied.Load() { // another node may be behind the last one
		m.applied.Store(applied)
	}
	return nil
}

func (m *mirror) byID(id string) (*sequencer.SaleView, bool) {
	view, known := m.table.Load().byID[id]
	return view, known
}
