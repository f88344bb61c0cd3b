package sqldb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"onsale/audit/export"
	"onsale/audit/follow"
	"onsale/sequencer"
)

// Cut is what a restore made untrue of a target.
type Cut struct {
	Number int64
	After  export.Position // of the last block that is true
	Until  export.Position // of the last block that was exported
	Birth  string          // that goes on from After

	lost    map[*export.Table][]export.Row
	counter []export.Row // movements that take back what was lost
}

// Rows counts those that are lost.
func (c *Cut) Rows() (count int) {
	for _, rows := range c.lost {
		count += len(rows)
	}
	return count
}

// parts reports whether a block begins a history that a restore cut out of the one that was exported:
// it makes a birth that was not exported, though blocks behind it were.
func (r *run) parts(b *follow.Block) bool {
	id, born := export.BirthIn(b)
	before := r.books.Births()
	if !born || len(before) == 0 || slices.Contains(before, id.String()) {
		return false
	}
	if len(r.known.Births) == 0 { // written by a release that did not keep them
		return slices.Contains(before, r.known.Birth)
	}
	return len(r.known.Births) <= len(before) || r.known.Births[len(before)] != id.String()
}

// cutAt books the block of the birth that parts from what was exported, and writes what that changes,
// in one transaction with its position. What if we die here? Before the commit all is as it was, and the
// next exporter needs AcceptCut as this one did; behind it there is nothing left to accept.
func (r *run) cutAt(ctx context.Context, b *follow.Block) error {
	after := r.books.Position()
	switch {
	case r.known.Cluster != after.Cluster:
		return fmt.Errorf("%w: they are of cluster %.8s…, the journal is of %.8s…", ErrOtherHistory, r.known.Cluster, after.Cluster)
	case b.Batch.Commands[0].Count == uint32(sequencer.BirthCopy):
		return fmt.Errorf("%w: the journal is of a copy of the cluster, for an exercise", ErrOtherHistory)
	case !r.options.AcceptCut:
		return fmt.Errorf("%w: a restore has cut it behind block %d (seq %d, %s), which is the last that is still true; "+
			"--accept-cut marks what was exported behind it as lost, and goes on", ErrOtherHistory, after.Head.Height, after.Seq, after.At.Format(time.RFC3339))
	}
	is := r.books.Take() // all rows as of the cut
	if err := r.books.Read(b); err != nil {
		return err
	}
	cut := &Cut{Number: r.known.Cuts + 1, After: after, Until: r.known.Position, Birth: r.books.Position().Birth, lost: map[*export.Table][]export.Row{}}
	rows, err := r.compareCut(ctx, cut, is)
	if err != nil {
		return err
	}
	r.books.Merge(rows)
	r.known = nil
	return r.write(ctx, cut)
}

// compareCut finds the rows that are lost, and returns those that take their places.
func (r *run) compareCut(ctx context.Context, cut *Cut, is *export.Rows) (*export.Rows, error) {
	zones, rows := map[string]string{}, export.NewRows()
	for _, t := range export.Tables() {
		_, err := differences(ctx, t, is.Of(t), r.to, func(got, want export.Row, _ int) {
			if got != nil {
				cut.lost[t] = append(cut.lost[t], slices.Clone(got))
			}
			if want != nil {
				rows.Put(t, want)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	for _, sale := range cut.lost[export.Sales] {
		zones[sale[saleID].(string)] = sale[saleZone].(string)
	}
	for i, m := range cut.lost[export.Movements] {
		cut.counter = append(cut.counter, r.counter(int64(i), m, zones, cut.happened(r.books.BornAt())))
	}
	return rows, nil
}

// counter is the movement that takes back one that is lost, on the day of the cut where its sale is.
// Its place is below those of blocks.
func (r *run) counter(number int64, lost export.Row, zones map[string]string, at time.Time) export.Row {
	sale := lost[movementSale].(string)
	zone, known := r.books.Zone(sale)
	if !known {
		zone = zones[sale]
	}
	row := slices.Clone(lost)
	row[0], row[1] = int64(r.books.Position().Head.Height), -1-number
	row[movementAt], row[movementDay] = at, r.books.DayOf(zone, at)
	row[movementAmount] = -lost[movementAmount].(int64)
	return row
}

// happened is when the cut is booked: when the restore was made. A clock that was behind there does not
// change a day that was final.
func (c *Cut) happened(born time.Time) time.Time {
	if born.Before(c.Until.At) {
		return c.Until.At
	}
	return born
}

// Places of columns.
var (
	saleID, saleZone             = export.Sales.Column("id"), export.Sales.Column("zone")
	movementAt, movementDay      = export.Movements.Column("at"), export.Movements.Column("day")
	movementSale, movementAmount = export.Movements.Column("sale"), export.Movements.Column("amount")
)

const insertCut = "INSERT INTO cuts (number, height, seq, at, until_height, until_seq, until_at, lost_birth, birth, rows_lost, written_at) " +
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"

func (c *Cut) values(value func(any) any) []any {
	return []any{c.Number, int64(c.After.Head.Height), int64(c.After.Seq), value(c.After.At), int64(c.Until.Head.Height), int64(c.Until.Seq),
		value(c.Until.At), c.Until.Birth, c.Birth, int64(c.Rows()), value(time.Now().UTC().Truncate(time.Microsecond))}
}

// keys are the values of markLost for each lost row of a table.
func (c *Cut) keys(t *export.Table) (all []export.Row) {
	for _, row := range c.lost[t] {
		all = append(all, append(export.Row{c.Number}, row[:t.Key]...))
	}
	return all
}

// counters are the values of insertCounter.
func (c *Cut) counters() (all []export.Row) {
	for _, row := range c.counter {
		all = append(all, append(slices.Clone(row), c.Number))
	}
	return all
}

// markLost is the statement that marks a row as lost: the number of the cut, then the row's key.
func markLost(t *export.Table) string {
	statement := "UPDATE " + t.Name + " SET lost = $1 WHERE lost = 0"
	for i, key := range t.Columns[:t.Key] {
		statement += fmt.Sprintf(" AND %s = $%d", key, i+2)
	}
	return statement
}

// insertCounter is the statement that adds a movement that takes one back: its values, then the number
// of the cut.
func insertCounter() string {
	statement, marks := "INSERT INTO movements (", ""
	for i, column := range export.Movements.Columns {
		statement += column + ", "
		marks += fmt.Sprintf("$%d, ", i+1)
	}
	return statement + "lost) VALUES (" + marks + fmt.Sprintf("$%d)", len(export.Movements.Columns)+1)
}
