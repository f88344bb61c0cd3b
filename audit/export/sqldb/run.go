package sqldb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/audit/export"
	"onsale/audit/follow"
)

// BatchRowsMax bounds the rows of a transaction, but for the rows of one block.
const BatchRowsMax = 20_000

// Options say how a journal is exported.
type Options struct {
	Users export.Users
	// Once ends the export when there are no more blocks; otherwise it goes on until ctx ends.
	Once bool
	// AcceptCut marks what a restore has cut as lost and goes on; otherwise that is ErrOtherHistory. All rows
	// up to the position are kept in memory until it is reached, about 1 KB an order.
	AcceptCut bool
	// Watch is told where the export is; nil for nobody.
	Watch *Watch
	// Progress is called after each transaction.
	Progress func(p export.Position, rows uint64)
}

// Run writes what is new in a journal to a target. It returns ErrOtherHistory, export.ErrOtherExporter,
// export.ErrUsers, and the journal's and the database's errors; ctx's end is none.
func Run(ctx context.Context, journal follow.Source, to Target, o Options) error {
	if o.Watch == nil {
		o.Watch = NewWatch(time.Now())
	}
	r := &run{to: to, options: o}
	if err := r.begin(ctx); err != nil {
		return err
	}
	for {
		err := journal.Read(ctx, func(b *follow.Block) error { return r.block(ctx, b) })
		if err == nil {
			err = r.write(ctx, nil)
		}
		if err == nil && r.known != nil {
			err = fmt.Errorf("%w: it is at block %d, the journal ends at block %d", ErrOtherHistory, r.known.Head.Height, journal.Head().Height)
		}
		if err == nil {
			o.Watch.end()
		}
		if err == nil && o.Once {
			return nil
		}
		if err == nil {
			err = journal.Wait(ctx)
		}
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

type run struct {
	to      Target
	options Options
	books   *export.Books
	known   *Written // what was written before; nil from there on
	written uint64   // height
	rows    uint64
}

func (r *run) begin(ctx context.Context) (err error) {
	if r.known, err = r.to.Written(ctx); err != nil {
		return err
	}
	if r.known != nil {
		if r.options.Users, err = r.options.Users.As(r.known.Users); err != nil {
			return err
		}
		r.written = r.known.Head.Height
		r.options.Watch.found(r.known.Position)
	}
	r.books = export.NewBooks(r.options.Users)
	return nil
}

// block books a block. What was written before is only decided again.
func (r *run) block(ctx context.Context, b *follow.Block) error {
	r.options.Watch.read()
	if r.known != nil && r.parts(b) {
		return r.cutAt(ctx, b)
	}
	if err := r.books.Read(b); err != nil {
		return err
	}
	if r.known != nil {
		if b.Height == r.known.Head.Height {
			return r.meet()
		}
		if !r.options.AcceptCut {
			r.books.Take()
		}
		return nil
	}
	if r.books.Pending() >= BatchRowsMax {
		return r.write(ctx, nil)
	}
	return nil
}

// meet compares the block at the position with the one that was exported.
func (r *run) meet() error {
	is := r.books.Take().Position
	if hash := is.HeadHash(); hash != r.known.Hash || is.Cluster != r.known.Cluster {
		return fmt.Errorf("%w: block %d is %.16s… of cluster %.8s… there and %.16s… of %.8s… here", ErrOtherHistory, is.Head.Height,
			r.known.Hash, r.known.Cluster, hash, is.Cluster)
	}
	if len(r.known.Births) == 0 { // a release that did not keep them wrote
		r.books.RepeatBirths()
	}
	r.known = nil
	return nil
}

// write writes what has been booked since the last time, and a cut with it.
func (r *run) write(ctx context.Context, cut *Cut) error {
	if r.known != nil || r.books.Position().Head.Height == r.written && r.books.Pending() == 0 {
		return nil
	}
	rows, began := r.books.Take(), time.Now()
	if err := r.to.Write(ctx, &Change{Before: r.written, Rows: rows, Exporter: export.Self(), Users: r.options.Users.String(), Cut: cut}); err != nil {
		return err
	}
	r.written = rows.Position.Head.Height
	r.rows += uint64(rows.Count())
	r.options.Watch.wrote(rows, time.Since(began))
	if r.options.Progress != nil {
		r.options.Progress(rows.Position, r.rows)
	}
	return nil
}
