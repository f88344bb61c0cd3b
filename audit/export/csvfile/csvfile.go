// Package csvfile writes the export's rows as CSV, a file for each table, for spreadsheets and for
// databases that read files.
//
// The same journal gives the same bytes. Tables are written beside their files and put in their
// places when all are durable. What if we die here? position.csv says of which block the tables are;
// it goes before the first of them is replaced, and comes behind the last: where it is, all tables are
// of it.
package csvfile

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"onsale/audit/export"
	"onsale/internal/durable"
	"onsale/internal/failpoint"
)

// Options say how files are written.
type Options struct {
	Gzip bool
	// Cell changes a text of a cell, to what is harmless in a spreadsheet; nil changes nothing.
	Cell func(string) string
	// Users is what rows say of buyers.
	Users export.Users
}

// positionName is the file that says of which block the others are.
const positionName = "position.csv"

// lockName is the file that one exporter holds.
const lockName = ".lock"

// Write writes rows, which are all of a journal, to a folder; it is made when it is missing, for its
// owner alone. It returns export.ErrOtherExporter, and the files' errors.
func Write(dir string, rows *export.Rows, o Options) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lock, err := export.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return err
	}
	w := &writer{dir: dir, options: o}
	defer func() { err = errors.Join(err, w.clean(), lock.Close()) }()
	if err := w.clean(); err != nil { // what one that was killed has left
		return err
	}
	for _, t := range export.Tables() {
		if err := w.table(t, rows.Of(t)); err != nil {
			return err
		}
	}
	if err := w.file(positionName, positionTable, []export.Row{positionRow(rows, o.Users)}); err != nil {
		return err
	}
	return w.publish()
}

var positionTable = &export.Table{Name: "position", Columns: []string{"cluster", "birth", "height", "hash", "seq", "at", "users"}}

func positionRow(rows *export.Rows, users export.Users) export.Row {
	p := &rows.Position
	return export.Row{p.Cluster, p.Birth, int64(p.Head.Height), p.HeadHash(), int64(p.Seq), p.At, users.String()}
}

type writer struct {
	dir     string
	options Options
	written []string // names of files, whose bytes are in name + unfinished
}

// unfinished is how the names of files end that are being written.
const unfinished = ".unfinished"

// table writes a table's rows, by its key.
func (w *writer) table(t *export.Table, rows []export.Row) error {
	slices.SortFunc(rows, t.Compare)
	name := t.Name + ".csv"
	if w.options.Gzip {
		name += ".gz"
	}
	return w.file(name, t, rows)
}

func (w *writer) file(name string, t *export.Table, rows []export.Row) error {
	file, err := os.OpenFile(filepath.Join(w.dir, name+unfinished), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(file)
	if strings.HasSuffix(name, ".gz") {
		packed := gzip.NewWriter(buffer)
		err = errors.Join(w.rows(packed, t, rows), packed.Close())
	} else {
		err = w.rows(buffer, t, rows)
	}
	w.written = append(w.written, name)
	return errors.Join(err, buffer.Flush(), file.Sync(), file.Close())
}

func (w *writer) rows(to io.Writer, t *export.Table, rows []export.Row) error {
	out := csv.NewWriter(to)
	_ = out.Write(t.Columns) // its error is Error's
	cells := make([]string, len(t.Columns))
	for _, row := range rows {
		for i, v := range row {
			cells[i] = export.Text(v)
			if _, is := v.(string); is && w.options.Cell != nil {
				cells[i] = w.options.Cell(cells[i])
			}
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

// publish puts the files in their places, and removes those of the other form.
func (w *writer) publish() error {
	if err := w.remove(positionName); err != nil {
		return err
	}
	for _, name := range w.written { // the position is the last
		if name == positionName {
			if err := durable.SyncFolder(w.dir); err != nil {
				return err
			}
		}
		failpoint.Hit(failpoint.ExportFile)
		path := filepath.Join(w.dir, name)
		if err := os.Rename(path+unfinished, path); err != nil {
			return err
		}
		if err := w.remove(otherForm(name)); err != nil {
			return err
		}
	}
	return durable.SyncFolder(w.dir)
}

func otherForm(name string) string {
	if packed := strings.TrimSuffix(name, ".gz"); packed != name {
		return packed
	}
	return name + ".gz"
}

// remove removes a file for good, whether it is there or not.
func (w *writer) remove(name string) error {
	err := os.Remove(filepath.Join(w.dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return errors.Join(err, durable.SyncFolder(w.dir))
}

// clean removes what was not finished.
func (w *writer) clean() error {
	files, err := os.ReadDir(w.dir)
	for _, file := range files {
		if strings.HasSuffix(file.Name(), unfinished) {
			err = errors.Join(err, os.Remove(filepath.Join(w.dir, file.Name())))
		}
	}
	return err
}
