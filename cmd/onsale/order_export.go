package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/client"
	"onsale/api/contract"
)

// export is what `order export` was told to do.
type export struct {
	desk
	search
	lines bool   // JSON lines in place of CSV
	out   string // "" for stdout
}

func newOrderExport(p *program) *cobra.Command {
	var e export
	c := &cobra.Command{Use: "export", Short: "As the seller: write all orders of a sale as CSV or JSON lines", Args: arguments(cobra.NoArgs),
		Long: `Writes a sale's orders by seq, page by page as they are read, so that a million need no
memory, and the nodes go on deciding meanwhile. Each order is as of when its page was read; what
is bought meanwhile comes at the end. A fail-over is waited for, up to a minute.

With --out the file is there, for its owner alone, when it is whole. CSV is spelled for
spreadsheets; --output csv --raw writes it as it is.`,
		Example: "  onsale order export --sale arena --state paid --out arena.csv\n  onsale order export --sale arena --lines | jq .user_id",
		RunE:    func(c *cobra.Command, _ []string) error { return e.run(c.Context(), p) }}
	e.desk.flags(c.Flags())
	e.search.flags(c, c.Flags())
	c.Flags().BoolVar(&e.lines, "lines", false, "write an order as a line of JSON")
	c.Flags().StringVar(&e.out, "out", "", "file to write; stdout without")
	return c
}

// exportMax is for how long the token of an export is good that is made for it.
const exportMax = time.Hour

func (e *export) run(ctx context.Context, p *program) error {
	e.patience = patience{wait: true, most: exportMax}
	seller, err := e.open()
	if err != nil {
		return err
	}
	if e.out == "" {
		count, err := e.write(ctx, p, seller, p.out, isTerminal(p.out))
		return p.exported(count, err)
	}
	count, err := e.writeFile(ctx, p, seller)
	return p.exported(count, err)
}

// exported says how many orders were written: who reads a pipe must be able to see that it was cut.
func (p *program) exported(count int, err error) error {
	if err != nil {
		return fmt.Errorf("%w; after %d orders", err, count)
	}
	fmt.Fprintf(p.err, "%d orders\n", count)
	return nil
}

// writeFile writes beside the file and puts it in its place. What if we die here? A file beside
// it stays, and none under its name.
func (e *export) writeFile(ctx context.Context, p *program, seller *client.Seller) (count int, err error) {
	file, err := os.CreateTemp(filepath.Dir(e.out), filepath.Base(e.out)+".part-*") // 0600
	if err != nil {
		return 0, fmt.Errorf("--out: %w", err)
	}
	count, err = e.write(ctx, p, seller, file, false)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), e.out)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return count, err
}

// write writes the orders to w, and shows on a terminal how many there are so far.
func (e *export) write(ctx context.Context, p *program, seller *client.Seller, w io.Writer, toTerminal bool) (count int, err error) {
	buffer := bufio.NewWriter(w)
	put := e.writer(p, buffer, toTerminal)
	show, end := p.counting(toTerminal)
	defer end()
	for order, err := range seller.AllOrders(ctx, e.sale, e.filter) {
		if err == nil {
			err = put(order)
		}
		if err != nil {
			return count, errors.Join(err, buffer.Flush())
		}
		count++
		show(count)
	}
	if count == 0 {
		if err := put(nil); err != nil {
			return 0, err
		}
	}
	return count, buffer.Flush()
}

// writer returns what writes an order, and in CSV the header before the first one, or alone for
// nil.
func (e *export) writer(p *program, w *bufio.Writer, toTerminal bool) func(*contract.Order) error {
	if e.lines {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return func(o *contract.Order) error {
			if o == nil {
				return nil
			}
			return encoder.Encode(o)
		}
	}
	rows, begun := csv.NewWriter(w), false
	return func(o *contract.Order) error {
		if !begun {
			begun = true
			_ = rows.Write(orderColumns()) // its error is Error's
		}
		if o != nil {
			row := orderRow(o)
			p.spellCells(row, toTerminal)
			_ = rows.Write(row)
		}
		rows.Flush()
		return rows.Error()
	}
}

// countingInterval is how often the count on a terminal is brought up to date.
const countingInterval = 200 * time.Millisecond

// counting returns what shows on a terminal how many orders were read, and what ends that;
// nothing is shown in a pipe, and beside orders that are on the terminal themselves.
func (p *program) counting(busy bool) (show func(count int), end func()) {
	if busy || !isTerminal(p.err) {
		return func(int) {}, func() {}
	}
	began, next := time.Now(), time.Now()
	show = func(count int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(countingInterval)
			fmt.Fprintf(p.err, "\r%d orders, %.0f/s   ", count, float64(count)/now.Sub(began).Seconds())
		}
	}
	return show, func() { fmt.Fprint(p.err, "\r") }
}
