package report

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"onsale/api/contract"
	"onsale/audit/follow"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// LiveOrdersMax bounds the live orders that a pass remembers, at about 40 bytes
// each. A sale has at most as many as it has tickets and places on the waitlist.
const LiveOrdersMax = 1 << 24

var (
	// ErrTooManyOrders is returned when a sale has more than LiveOrdersMax live
	// orders.
	ErrTooManyOrders = errors.New("too many live orders for a timeline")
	// errReached ends a scan at the wanted decision.
	errReached = errors.New("the wanted decision is reached")
)

// Options says how far a journal is read. The zero value reads all of it.
type Options struct {
	// Until is what a replica says of the sale. When set, the journal is read up
	// to the decision that it is as of, and compared with it.
	Until *sequencer.SaleView
	// Now is the time for which the sale's status is told, in nanoseconds since
	// the Unix epoch; never earlier than the journal's end, which 0 means.
	Now int64
}

// Run tells the course of a sale from the journal in a directory. It returns
// contract.ErrUnknownSale, contract.ErrJournalIncomplete, ErrTooManyOrders,
// sequencer.ErrBehind when the journal ends before Options.Until, ctx's error, and
// the journal's own.
func Run(ctx context.Context, dir, sale string, o Options) (*contract.SaleTimeline, error) {
	r := &reader{books: newBooks(sale), until: o.Until}
	_, err := journal.Scan(dir, func(b *journal.Block) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return r.block(b)
	})
	if err != nil && !errors.Is(err, errReached) {
		return nil, fmt.Errorf("timeline of %q: %w", sale, err)
	}
	if err := r.usable(); err != nil {
		return nil, fmt.Errorf("timeline of %q: %w", sale, err)
	}
	return r.result(o.Now), nil
}

// reader takes a journal's blocks apart.
type reader struct {
	books *books
	until *sequencer.SaleView

	decoded follow.Block

	first, blocks uint64
	head          journal.Hash
	seq           uint64 // of the last decision that was read
	time          int64  // of the last batch
}

func (r *reader) block(b *journal.Block) error {
	if err := r.decoded.Decode(b); err != nil {
		return err
	}
	decisions, last := &r.decoded.Decisions, r.decoded.LastSeq()
	if r.beyond(last, decisions.Time) {
		return errReached
	}
	if r.blocks == 0 {
		r.first = b.Height
	}
	r.blocks++
	r.head, r.seq, r.time = b.Hash, last, decisions.Time
	return r.books.read(&r.decoded.Batch, decisions)
}

// beyond reports whether a batch is later than the replica's view. A batch of no
// commands moves the time and not the seq.
func (r *reader) beyond(last uint64, time int64) bool {
	return r.until != nil && (last > r.until.AsOfSeq || last == r.until.AsOfSeq && time > r.until.AsOfTime)
}

// usable returns why the books cannot be told.
func (r *reader) usable() error {
	switch {
	case r.books.view.Number == 0 && r.first > 1:
		return fmt.Errorf("%w: it begins with block %d, after a snapshot", contract.ErrJournalIncomplete, r.first)
	case r.books.view.Number == 0 && r.until == nil:
		return fmt.Errorf("%w: the journal has %q", contract.ErrUnknownSale, r.books.others)
	case r.until != nil && (r.seq != r.until.AsOfSeq || r.time != r.until.AsOfTime):
		return fmt.Errorf("%w: the journal has seq %d, the sale is as of %d", sequencer.ErrBehind, r.seq, r.until.AsOfSeq)
	}
	return nil
}

func (r *reader) result(now int64) *contract.SaleTimeline {
	view := r.books.saleView()
	view.AsOfSeq, view.AsOfTime = r.seq, r.time
	told := &contract.SaleTimeline{Report: contract.ReportOf(&view, now), Timeline: r.books.timeline()}
	told.Timeline.Blocks, told.Timeline.ChainHead = r.blocks, hex.EncodeToString(r.head[:])
	told.Timeline.Mismatch = r.books.faults()
	if r.until != nil {
		replica := contract.ReportOf(r.until, now)
		told.Timeline.Mismatch = append(told.Timeline.Mismatch, compare(&told.Report, &replica)...)
	}
	return told
}
