package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"onsale/api/client"
)

// export is where a list goes that is too long to be kept, and in which form.
type export struct {
	what  string // is written: orders
	lines bool   // JSON lines in place of CSV
	out   string // "" for stdout
}

func (e *export) flags(f *pflag.FlagSet, one string) {
	f.BoolVar(&e.lines, "lines", false, "write "+one+" as a line of JSON")
	f.StringVar(&e.out, "out", "", "file to write; stdout without")
}

// exportMax is for how long the token of an export is good that is made for it.
const exportMax = time.Hour

// openToExport opens the desk for as long as an export may take.
func (d *desk) openToExport() (*client.Seller, error) {
	d.patience = patience{wait: true, most: exportMax}
	return d.open()
}

// sheet is a list as it comes, page by page, and how a line of it is spelled in CSV.
type sheet[T any] struct {
	columns []string
	row     func(*T) []string
	all     iter.Seq2[*T, error]
}

// export writes the list, and says how long it was: who reads a pipe must be able to see that it
// was cut.
func (s *sheet[T]) export(p *program, e *export) error {
	var count int
	var err error
	if e.out == "" {
		count, err = s.write(p, e, p.out, isTerminal(p.out))
	} else {
		count, err = s.writeFile(p, e)
	}
	if err != nil {
		return fmt.Errorf("%w; after %d %s", err, count, e.what)
	}
	fmt.Fprintf(p.err, "%d %s\n", count, e.what)
	return nil
}

// writeFile writes beside the file and puts it in its place. What if we die here? A file beside
// it stays, and none under its name.
func (s *sheet[T]) writeFile(p *program, e *export) (count int, err error) {
	file, err := os.CreateTemp(filepath.Dir(e.out), filepath.Base(e.out)+".part-*") // 0600
	if err != nil {
		return 0, fmt.Errorf("--out: %w", err)
	}
	count, err = s.write(p, e, file, false)
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

// write writes the list to w, and shows on a terminal how long it is so far.
func (s *sheet[T]) write(p *program, e *export, w io.Writer, toTerminal bool) (count int, err error) {
	buffer := bufio.NewWriter(w)
	put := s.csv(p, buffer, toTerminal)
	if e.lines {
		put = s.jsonLines(buffer)
	}
	show, end := p.counting(e.what, toTerminal)
	defer end()
	for one, err := range s.all {
		if err == nil {
			err = put(one)
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

// jsonLines returns what writes one; nil writes nothing.
func (s *sheet[T]) jsonLines(w io.Writer) func(*T) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return func(one *T) error {
		if one == nil {
			return nil
		}
		return encoder.Encode(one)
	}
}

// csv returns what writes one, and the header before the first one, or alone for nil.
func (s *sheet[T]) csv(p *program, w io.Writer, toTerminal bool) func(*T) error {
	rows, begun := csv.NewWriter(w), false
	return func(one *T) error {
		if !begun {
			begun = true
			_ = rows.Write(s.columns) // its error is Error's
		}
		if one != nil {
			row := s.row(one)
			p.spellCells(row, toTerminal)
			_ = rows.Write(row)
		}
		rows.Flush()
		return rows.Error()
	}
}

// countingInterval is how often the count on a terminal is brought up to date.
const countingInterval = 200 * time.Millisecond

// counting returns what shows on a terminal how many were read, and what ends that; nothing is
// shown in a pipe, and beside a list that is on the terminal itself.
func (p *program) counting(what string, busy bool) (show func(count int), end func()) {
	if busy || !isTerminal(p.err) {
		return func(int) {}, func() {}
	}
	began, next := time.Now(), time.Now()
	show = func(count int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(countingInterval)
			fmt.Fprintf(p.err, "\r%d %s, %.0f/s   ", count, what, float64(count)/now.Sub(began).Seconds())
		}
	}
	return show, func() { fmt.Fprint(p.err, "\r") }
}
