package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// errDocument is returned when a file is no result of the suite, or says something that
// cannot be.
var errDocument = errors.New("not a result of the suite")

// readFile reads a document's file.
func readFile(path string) (*document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d, err := parse(data)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return d, err
}

// newest returns the full run that was begun last, of those that a folder has.
func newest(folder string) (last *document, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		d, err := readFile(path)
		if err != nil {
			return nil, err
		}
		isFull := d.settings.get(profileKey) == full().name
		if isFull && (last == nil || cmp.Less(last.facts.get(startedKey), d.facts.get(startedKey))) {
			last = d
		}
	}
	if last == nil {
		return nil, fmt.Errorf("%w: %s has no full run", errDocument, folder)
	}
	return last, nil
}

// parse returns errDocument when a document has no profile, or a figure that is not defined.
func parse(data []byte) (*document, error) {
	d := &document{}
	for line := range strings.Lines(string(data)) {
		if err := d.read(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("%w: %w", errDocument, err)
		}
	}
	if d.settings.get(profileKey) == "" {
		return nil, fmt.Errorf("%w: it has no profile", errDocument)
	}
	return d, nil
}

// read takes one line in.
func (d *document) read(line string) error {
	m, isMark := parseMark(line)
	name, value, found := strings.Cut(strings.TrimPrefix(line, "# "), ": ")
	switch {
	case isMark && len(d.steps) == 0:
		return fmt.Errorf("figure %q belongs to no step", m.name)
	case isMark:
		return d.steps[len(d.steps)-1].readMark(&m)
	case !found:
	case !strings.HasPrefix(line, "# "):
		d.settings.add(name, value)
	case name == stepKey:
		d.steps = append(d.steps, stepRecord{id: value})
	case len(d.steps) == 0:
		d.facts.add(name, value)
	default:
		return d.steps[len(d.steps)-1].read(name, value)
	}
	return nil
}

func (s *stepRecord) read(name, value string) error {
	switch name {
	case errorKey:
		s.err = value
	case detailKey, failedKey:
		id, text, _ := strings.Cut(value, " ")
		f, err := s.figure(id)
		if err != nil {
			return err
		}
		if name == detailKey {
			f.detail = text
		} else {
			f.err = text
		}
	default:
		s.facts.add(name, value)
	}
	return nil
}

// figure returns a figure of the step, a new one when it has none of this id.
func (s *stepRecord) figure(id string) (*figure, error) {
	if _, known := define(id); !known {
		return nil, fmt.Errorf("figure %q is not defined", id)
	}
	for i := range s.figures {
		if s.figures[i].id == id {
			return &s.figures[i], nil
		}
	}
	s.figures = append(s.figures, figure{id: id})
	return &s.figures[len(s.figures)-1], nil
}

// readMark adds a round to its figure; a line of no target stays as it is.
func (s *stepRecord) readMark(m *mark) error {
	if target, _, dotted := strings.Cut(m.name, "."); !dotted || len(target) > 3 || target[0] != 'T' {
		s.lines = append(s.lines, *m)
		return nil
	}
	f, err := s.figure(m.name)
	if err != nil {
		return err
	}
	measured, found := m.get(f.unit())
	if !found {
		return fmt.Errorf("figure %q has no %s", m.name, f.unit())
	}
	compared, _ := m.get(f.unit() + "-compared")
	ratio, _ := m.get("ratio")
	f.rounds = append(f.rounds, round{measured, compared, ratio})
	return nil
}
