package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
)

// readFile reads a document's file.
func readFile(path string) (*document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// parse returns errDocument when a document has no profile, or a figure that is not
// defined or that two steps have.
func parse(data []byte) (*document, error) {
	d := &document{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := d.read(lines.Text()); err != nil {
			return nil, fmt.Errorf("%w: %w", errDocument, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	if d.settings.get(profileKey) == "" {
		return nil, fmt.Errorf("%w: it has no profile", errDocument)
	}
	return d, nil
}

// read takes one line in.
func (d *document) read(line string) error {
	if m, is := parseMark(line); is {
		return d.readMark(&m)
	}
	name, value, found := strings.Cut(strings.TrimPrefix(line, "# "), ": ")
	switch {
	case !found:
		return nil
	case !strings.HasPrefix(line, "# "):
		d.settings.set(name, value)
	case name == stepKey:
		d.steps = append(d.steps, stepRecord{id: value})
	case len(d.steps) == 0:
		d.facts.set(name, value)
	default:
		return d.last().read(name, value)
	}
	return nil
}

func (d *document) last() *stepRecord { return &d.steps[len(d.steps)-1] }

func (s *stepRecord) read(name, value string) error {
	switch name {
	case errorKey:
		s.err = value
	case commandKey:
		s.commands = append(s.commands, value)
	case repeatedKey:
		s.repeated = append(s.repeated, value)
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
		s.facts.set(name, value)
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
func (d *document) readMark(m *mark) error {
	if len(d.steps) == 0 {
		return fmt.Errorf("figure %q belongs to no step", m.name)
	}
	s := d.last()
	if target, _, dotted := strings.Cut(m.name, "."); !dotted || len(target) > 3 || target[0] != 'T' {
		s.lines = append(s.lines, *m)
		return nil
	}

	if f, found := d.find(m.name); found && !s.has(f) {
		return fmt.Errorf("two steps have figure %q", m.name)
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

func (s *stepRecord) has(f *figure) bool {
	for i := range s.figures {
		if &s.figures[i] == f {
			return true
		}
	}
	return false
}
