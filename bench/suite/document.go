package main

import (
	"slices"
	"strings"
)

// document is one run of the suite: where, of what, and every step with its figures.
type document struct {
	settings pairs // what must be equal where absolute numbers are compared
	facts    pairs // commit, times, load averages
	steps    []stepRecord
}

// stepRecord is one step and how it went. Each can be measured again alone, so each says
// when, and of which commit.
type stepRecord struct {
	id       string
	facts    pairs    // commit, started, seconds, load averages
	err      string   // why it did not get through; "" when it did
	commands []string // that ran, each once
	repeated []string // rounds that failed, why, and were measured again
	outcome
}

// outcome is what a step measured.
type outcome struct {
	figures []figure
	lines   []mark // what belongs to no target: who else answers, and how late
}

// pair is one named fact of a document.
type pair struct{ name, value string }

type pairs []pair

// get returns a fact, "" when it is not there.
func (p pairs) get(name string) string {
	for _, one := range p {
		if one.name == name {
			return one.value
		}
	}
	return ""
}

func (p *pairs) set(name, value string) {
	for i := range *p {
		if (*p)[i].name == name {
			(*p)[i].value = value
			return
		}
	}
	*p = append(*p, pair{name, value})
}

// The names of facts that are read again.
const (
	profileKey    = "profile" // "full" or "quick": how many rounds, and how large
	commitKey     = "commit"
	startedKey    = "started"
	finishedKey   = "finished"
	loadBeforeKey = "load-before"
	loadAfterKey  = "load-after"
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

// put puts a step in the place of its older run, or behind all others. A figure that
// another step had measured is its from now on.
func (d *document) put(step *stepRecord) {
	measured := func(f figure) bool {
		return slices.ContainsFunc(step.figures, func(g figure) bool { return g.id == f.id })
	}
	for i := range d.steps {
		if d.steps[i].id == step.id {
			d.steps[i] = *step
			return
		}
		d.steps[i].figures = slices.DeleteFunc(d.steps[i].figures, measured)
	}
	d.steps = append(d.steps, *step)
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

// others names the steps that were measured of another commit than the document's.
func (d *document) others() string {
	var others []string
	for i := range d.steps {
		if commit := d.steps[i].facts.get(commitKey); commit != d.facts.get(commitKey) {
			others = append(others, d.steps[i].id+" of "+commit)
		}
	}
	return strings.Join(others, ", ")
}

// marks returns the lines of all steps whose names begin so.
func (d *document) marks(prefix string) (found []mark) {
	for i := range d.steps {
		for _, m := range d.steps[i].lines {
			if strings.HasPrefix(m.name, prefix) {
				found = append(found, m)
			}
		}
	}
	return found
}
