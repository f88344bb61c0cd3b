package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"onsale/api/contract"
	"onsale/audit/follow"
	"onsale/sequencer"
	"onsale/wal/journal"
)

const (
	// ReadersMax bounds those that read or wait for a page at one time.
	ReadersMax = 64
	// PageBytesMax bounds a page, but for its last event.
	PageBytesMax = 1 << 20
	// PageBlocksMax and PageTime bound what a page is read from. One that has nothing by then says
	// from where to go on.
	PageBlocksMax = 4096
	PageTime      = 50 * time.Millisecond
	// pollInterval is how often the journal's end is looked at while somebody waits for it.
	pollInterval = 20 * time.Millisecond
)

// Journal is a node's journal (journal.History).
type Journal interface {
	Block(height uint64) (journal.Block, error)
	Position() journal.Head
	First() uint64
}

// Service tells the feed of a running node. Its methods may be called by any goroutine.
type Service struct {
	journal Journal
	replica Replica
	number  func() uint8 // of the cluster
	// catchUp returns when the replica shows what the leader had decided at the call.
	catchUp func(ctx context.Context) error

	readers chan struct{} // a place for each
	pages   chan struct{} // whose turn it is; who waits is served in order

	mu     sync.Mutex
	begins map[sequencer.ClusterID]uint64 // height of the block of a birth; they never change

	counters struct{ pages, events, blocks, refused, nanoseconds atomic.Uint64 }
}

// New returns the feed of a node's journal, of the orders that its replica has.
func New(j Journal, replica Replica, number func() uint8, catchUp func(ctx context.Context) error) *Service {
	return &Service{journal: j, replica: replica, number: number, catchUp: catchUp, readers: make(chan struct{}, ReadersMax),
		pages: make(chan struct{}, 1), begins: map[sequencer.ClusterID]uint64{}}
}

// Page returns a page. It waits for an event for as long as the question says, and returns without
// one then. Its errors are contract's: ErrBadRequest, ErrFeedGone, ErrHistoryCut, ErrTooManyOpen; the
// log's; and ctx's.
func (s *Service) Page(ctx context.Context, q contract.FeedQuestion) (*contract.FeedPage, error) {
	select {
	case s.readers <- struct{}{}:
		defer func() { <-s.readers }()
	default:
		s.counters.refused.Add(1)
		return nil, contract.NewProblem(contract.TooManyOpen, fmt.Sprintf("%d readers of the feed are served, no more are", ReadersMax))
	}
	types, err := parseTypes(q.Types)
	if err != nil {
		return nil, err
	}
	at, err := s.begin(ctx, q.After)
	if err != nil {
		return nil, err
	}
	p := &page{service: s, question: q, types: types, at: at, FeedPage: contract.FeedPage{Events: []contract.FeedEvent{}}}
	until := time.Now().Add(q.Wait)
	for {
		if err := p.fill(ctx); err != nil || len(p.Events) > 0 || p.HasMore || !time.Now().Before(until) {
			return &p.FeedPage, err
		}
		if err := s.wait(ctx, p.at.Height, until); err != nil {
			return nil, err
		}
	}
}

// wait returns when there is a block above a height, or it is late.
func (s *Service) wait(ctx context.Context, height uint64, until time.Time) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for s.journal.Position().Height <= height && time.Now().Before(until) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}

// turn lets read read for a page when nobody else does, and then pauses as long as that took, so
// that all readers together cost at most half a processor.
func (s *Service) turn(ctx context.Context, read func() error) error {
	select {
	case s.pages <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	began := time.Now()
	err := read()
	took := time.Since(began)
	s.counters.nanoseconds.Add(uint64(took))
	time.AfterFunc(took, func() { <-s.pages })
	return err
}

// block is one with what its events have in common.
type block struct {
	follow.Block
	at     sequencer.Position
	source string
}

// read reads a block of the journal.
func (s *Service) read(height uint64, births []sequencer.Birth, b *block) error {
	is, err := s.journal.Block(height)
	if errors.Is(err, journal.ErrNotKept) { // it was there when the page was begun
		return fmt.Errorf("%w: block %d was put aside meanwhile: ask again", sequencer.ErrBehind, height)
	}
	if err == nil {
		err = b.Decode(&is)
	}
	if err != nil {
		return err
	}
	b.at, b.source = sequencer.Position{Height: height}, ""
	if i := birthAt(births, b.LastSeq()); i >= 0 {
		b.at.Birth, b.source = births[i].Tag(), sourcePrefix+births[0].Cluster.String()
	}
	return nil
}

// sourcePrefix and the id of a cluster's first birth are the source of its events.
const sourcePrefix = "urn:onsale:cluster:"

// birthAt returns the birth in which a seq lies, -1 for none.
func birthAt(births []sequencer.Birth, seq uint64) int {
	for i := len(births) - 1; i >= 0; i-- { // most are asked about the newest
		if births[i].FirstSeq <= seq {
			return i
		}
	}
	return -1
}

// end returns the height of the journal's newest block, and the births up to it at least: the
// replica has a batch before the journal does.
func (s *Service) end() (height uint64, births []sequencer.Birth) {
	height = s.journal.Position().Height
	s.replica.Read(func(r sequencer.Reader) { births = r.Births() })
	return height, births
}
