package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A document is kept in Go's benchmark format, so that benchstat compares two of them
// (make bench-compare): a line for each round of each figure,
//
//	BenchmarkT3.bare 1 70706 1/s 65800 1/s-compared 1.05 ratio
//
// under the format's settings ("cpu: AMD EPYC"), in which two documents must agree to be
// compared. All that benchstat must not look at is in lines that begin with "# ", which
// the format skips: "# name: value", those of a step after its "# step: ID".

// errDocument is returned when a file is no result of the suite, or says something that
// cannot be.
var errDocument = errors.New("not a result of the suite")

// The names of a step's facts that have a place of their own.
const (
	stepKey     = "step"
	errorKey    = "error"
	commandKey  = "command"
	repeatedKey = "repeated"
	detailKey   = "detail" // ID and text
	failedKey   = "failed" // ID and why a figure does not count
)

// bytes returns a document as it is kept.
func (d *document) bytes() []byte {
	var b bytes.Buffer
	for _, s := range d.settings {
		fmt.Fprintf(&b, "%s: %s\n", s.name, s.value)
	}
	writeFacts(&b, d.facts)
	for i := range d.steps {
		d.steps[i].write(&b)
	}
	return b.Bytes()
}

func writeFacts(b *bytes.Buffer, facts pairs) {
	for _, f := range facts {
		fmt.Fprintf(b, "# %s: %s\n", f.name, oneLine(f.value))
	}
}

func (s *stepRecord) write(b *bytes.Buffer) {
	facts := append(pairs{{stepKey, s.id}}, s.facts...)
	if s.err != "" {
		facts = append(facts, pair{errorKey, s.err})
	}
	for _, command := range s.commands {
		facts = append(facts, pair{commandKey, command})
	}
	for _, round := range s.repeated {
		facts = append(facts, pair{repeatedKey, round})
	}
	b.WriteByte('\n')
	writeFacts(b, facts)

	for i := range s.figures {
		s.figures[i].write(b)
	}
	for i := range s.lines {
		fmt.Fprintln(b, s.lines[i].String())
	}
}

func (f *figure) write(b *bytes.Buffer) {
	for _, fact := range (pairs{{detailKey, f.detail}, {failedKey, f.err}}) {
		if fact.value != "" {
			writeFacts(b, pairs{{fact.name, f.id + " " + fact.value}})
		}
	}
	unit := f.unit()
	for _, r := range f.rounds {
		m := mark{f.id, []value{{r.measured, unit}}}
		if r.ratio != 0 {
			m.values = append(m.values, value{r.compared, unit + "-compared"}, value{r.ratio, "ratio"})
		}
		fmt.Fprintln(b, m.String())
	}
}

// unit is the format's, which has none that is empty.
func (f *figure) unit() string {
	if unit := f.definition().unit; unit != "" {
		return unit
	}
	return "count"
}

// replace puts new content in a file's place: a reader sees the old or the new.
func replace(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// errorBytesMax bounds what a document keeps of an error.
const errorBytesMax = 1500

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), errorBytesMax)]
}
