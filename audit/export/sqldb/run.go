package sqldb

import (
	"context"
	"errors"
	"fmt"

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
	// Progress is called after each transaction.
	Progress func(p export.Position, rows uint64)
}

// Run writes what is new in a journal to a target. It returns ErrOtherHistory, export.ErrOtherExporter,
// ErrOtherUsers, and the journal's and the database's errors; ctx's end is none.
func Run(ctx context.Context, journal follow.Source, to Target, o Options) error {
	r := &run{to: to, options: o, books: export.NewBooks(o.Users)}
	if err := r.begin(ctx); err != nil {
		return err
	}
	for {
		err := journal.Read(ctx, func(b *follow.Block) error { return r.block(ctx, b) })
		if err == nil {
			err = r.write(ctx)
		}
		if err == nil && r.known != nil {
			err = fmt.Errorf("%w: it is at block %d, the journal ends at block %d", ErrOtherHistory, r.known.Head.Height, journal.Head().Height)
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
	if r.known, err = r.to.Written(ctx); err != nil || r.known == nil {
		return err
	}
	if users := r.options.Users.String(); r.known.Users != users {
		return fmt.Errorf("%w %s: the database's are %s", ErrOtherUsers, users, r.known.Users)
	}
	r.written = r.known.Head.Height
	return nil
}

// block books a block. What was written before is only decided again.
func (r *run) block(ctx context.Context, b *follow.Block) error {
	if err := r.books.Read(b); err != nil {
		return err
	}
	if r.known != nil {
		if b.Height < r.known.Head.Height {
			r.books.Take()
			return nil
		}
		return r.meet()
	}
	if r.books.Pending() >= BatchRowsMax {
		return r.write(ctx)
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
	r.known = nil
	return nil
}

// write writes what has been booked since the last time.
func (r *run) write(ctx context.Context) error {
	if r.known != nil || r.books.Position().Head.Height == r.written {
		return nil
	}
	rows := r.books.Take()
	if err := r.to.Write(ctx, r.written, rows, export.Self(), r.options.Users.String()); err != nil {
		return err
	}
	r.written = rows.Position.Head.Height
	r.rows += uint64(rows.Count())
	if r.options.Progress != nil {
		r.options.Progress(rows.Position, r.rows)
	}
	return nil
}
