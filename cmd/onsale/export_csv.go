package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	rows "onsale/audit/export"
	"onsale/audit/export/csvfile"
	"onsale/internal/plain"
)

// exportingCSV is what the command is told.
type exportingCSV struct {
	exportFrom
	out    string
	packed bool
}

func newExportCSV(p *program) *cobra.Command {
	e := exportingCSV{exportFrom: exportFrom{users: "none"}}
	c := &cobra.Command{Use: "csv", Args: arguments(cobra.NoArgs), Short: "Write the same tables as files of CSV",
		Long: `Reads a journal from its first block to its last and writes a file for each table that
` + "`onsale export sql`" + ` has: births.csv, sales.csv, sale_changes.csv, orders.csv, payments.csv, movements.csv.
Amounts are in minor units, times are UTC. The same journal gives the same bytes.

Files are replaced when all are durable. position.csv says up to which block they are; it goes before
the first is replaced and comes after the last: where it is, all the others are of it. The rows are
kept in memory, about 1 KB an order.

Text that a spreadsheet would take for a formula gets an apostrophe in front, unless --raw is given.`,
		Example: "  onsale export csv --journal data/journal --out finance",
		RunE:    func(c *cobra.Command, _ []string) error { return p.exportCSV(c.Context(), &e) }}
	e.flags(c)
	e.usersFlag(c)
	c.Flags().StringVar(&e.out, "out", "", "folder to write to, made when it is missing")
	c.Flags().BoolVar(&e.packed, "gzip", false, "compress the files of the tables")
	requireFlags(c, "out")
	return c
}

func (p *program) exportCSV(ctx context.Context, e *exportingCSV) error {
	users, err := e.check()
	if err != nil {
		return err
	}
	from, closeIt, err := e.openJournal(ctx, p.err)
	if err != nil {
		return err
	}
	defer closeIt()
	books := rows.NewBooks(users)
	if err := from.Read(ctx, books.Read); err != nil {
		return err
	}
	all := books.Take()
	o := csvfile.Options{Gzip: e.packed, Users: users}
	if !p.raw {
		o.Cell = plain.Cell
	}
	if err := csvfile.Write(e.out, all, o); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	fmt.Fprintln(p.err, exportedLine(uint64(all.Count()), all.Position))
	return nil
}
