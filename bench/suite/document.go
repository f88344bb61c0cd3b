package main

import (
	"bytes"
	"fmt"
	"strings"
)

// document is one run of the suite: where, of what, and every step with its figures. It is
// kept in Go's benchmark format, so that benchstat compares two of them (make bench-compare):
// a line for each round of each figure,
//
//	BenchmarkT3.bare 1 70706 1/s 65800 1/s-compared 1.05 ratio
//
// under the format's settings ("cpu: AMD EPYC"), in which two documents must agree to be
// compared. All that benchstat must not look at is in lines that begin with "# ", which
// the format skips: "# name: value", those of a step after its "# step: ID".
type document struct {
	settings pairs // what must be equal where absolute numbers are compared
	facts    pairs // commit, times, load averages
	steps    []stepRecord
}

// stepRecord is one step and how it went.
type stepRecord struct {
	id    string
	facts pairs  // when, load averages, commands that ran, rounds that failed and were measured again
	err   string // why it did not get through; "" when it did

	figures []figure
	lines   []mark // what belongs to no target: who else answers, and how late; a line for each round
}

// pair is one named fact of a document.
type pair struct{ name, value string }

type pairs []pair

// get returns the last fact of a name, "" when there is none.
func (p pairs) get(name string) (value string) {
	for _, one := range p {
		if one.name == name {
			value = one.value
		}
	}
	return value
}

func (p *pairs) add(name string, values ...string) {
	for _, value := range values {
		*p = append(*p, pair{name, value})
	}
}

// The names of facts that are read again, and of others.
const (
	profileKey    = "profile" // "full" or "quick": how many rounds, and how large
	commitKey     = "commit"
	startedKey    = "started"
	finishedKey   = "finished"
	loadBeforeKey = "load-before"
	loadAfterKey  = "load-after"
	secondsKey    = "seconds"
	commandKey    = "command"
	repeatedKey   = "repeated"

	stepKey   = "step"
	errorKey  = "error"
	detailKey = "detail" // ID and text
	failedKey = "failed" // ID and why a figure does not count
)

// find returns a figure that was measured.
func (d *document) find(id string) (*figure, bool) {
	for i := range d.steps {
		for j := range d.steps[i].figures {
			if f := &d.steps[i].figures[j]; f.id == id {
				return f, true
			}
		}
	}
	return nil, false
}

// failed returns the steps that did not get through.
func (d *document) failed() (ids []string) {
	for i := range d.steps {
		if d.steps[i].err != "" {
			ids = append(ids, d.steps[i].id)
		}
	}
	return ids
}

// bytes returns a document as it is kept.
func (d *document) bytes() []byte {
	var b bytes.Buffer
	for _, s := range d.settings {
		fmt.Fprintf(&b, "%s: %s\n", s.name, s.value)
	}
	writeFacts(&b, d.facts...)
	for i := range d.steps {
		d.steps[i].write(&b)
	}
	return b.Bytes()
}

// writeFacts leaves out what is empty.
func writeFacts(b *bytes.Buffer, facts ...pair) {
	for _, f := range facts {
		if f.value != "" {
			fmt.Fprintf(b, "# %s: %s\n", f.name, oneLine(f.value))
		}
	}
}

func (s *stepRecord) write(b *bytes.Buffer) {
	b.WriteByte('\n')
	writeFacts(b, pair{stepKey, s.id})
	writeFacts(b, s.facts...)
	writeFacts(b, pair{errorKey, s.err})
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
			writeFacts(b, pair{fact.name, f.id + " " + fact.value})
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

// errorBytesMax bounds what a document keeps of an error.
const errorBytesMax = 1500

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), errorBytesMax)]
}
