package export

import (
	"encoding/hex"
	"time"

	"onsale/wal/journal"
)

// Position is up to where a target has been written.
type Position struct {
	Cluster string // id of the first birth, hexadecimal: whose history it is
	Birth   string // id of the newest
	Head    journal.Head
	Seq     uint64
	At      time.Time // log time of the block
}

// HeadHash returns the hash of the block at the position, hexadecimal.
func (p *Position) HeadHash() string { return hex.EncodeToString(p.Head.Hash[:]) }

// Rows are what blocks changed, as of the last of them: of each key the newest row, in the order
// in which the keys changed first.
type Rows struct {
	Position Position
	rows     map[*Table][]Row
	places   map[*Table]map[[2]int64]int
}

// NewRows returns none.
func NewRows() *Rows {
	return &Rows{rows: map[*Table][]Row{}, places: map[*Table]map[[2]int64]int{}}
}

// Of returns a table's rows.
func (r *Rows) Of(t *Table) []Row { return r.rows[t] }

// Count returns how many rows there are.
func (r *Rows) Count() (count int) {
	for _, rows := range r.rows {
		count += len(rows)
	}
	return count
}

// Put adds a row, in place of the one with its key.
func (r *Rows) Put(t *Table, row Row) {
	if len(row) != len(t.Columns) {
		panic("a row of " + t.Name + " has another number of values than there are columns")
	}
	key := keyOf(t, row)
	places := r.places[t]
	if places == nil {
		places = map[[2]int64]int{}
		r.places[t] = places
	}
	if at, known := places[key]; known {
		r.rows[t][at] = row
		return
	}
	places[key] = len(r.rows[t])
	r.rows[t] = append(r.rows[t], row)
}

// has reports whether there is a row with a row's key.
func (r *Rows) has(t *Table, row Row) bool {
	_, has := r.places[t][keyOf(t, row)]
	return has
}

func keyOf(t *Table, row Row) (key [2]int64) {
	for i := range t.Key {
		key[i] = row[i].(int64)
	}
	return key
}
