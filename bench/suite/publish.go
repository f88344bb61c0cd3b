package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The marks between which a page's table is.
const (
	tableBegin = "<!-- bench: begin -->\n"
	tableEnd   = "<!-- bench: end -->"
)

// errNoMarks is returned when a page has no place for the table.
var errNoMarks = errors.New("it has no line <!-- bench: begin --> before <!-- bench: end -->")

// pages are what has a document's figures: the README the few that tell most.
var pages = []struct {
	path  string
	brief bool
}{{"README.md", true}, {"docs/measurements.md", false}}

// insert puts a table in the place of the one that is there.
func insert(page, table string) (string, error) {
	before, rest, found := strings.Cut(page, tableBegin)
	_, after, foundEnd := strings.Cut(rest, tableEnd)
	if !found || !foundEnd {
		return "", errNoMarks
	}
	return before + tableBegin + table + tableEnd + after, nil
}

// publish writes a document's tables into the pages below root.
func (d *document) publish(root string) error {
	for _, p := range pages {
		path := filepath.Join(root, p.path)
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed, err := insert(string(old), d.markdown(p.brief))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := replace(path, []byte(changed)); err != nil {
			return err
		}
	}
	return nil
}

// newest returns the full run that was begun last, of those that a folder has.
func newest(folder string) (*document, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	var last *document
	for _, path := range files {
		d, err := readFile(path)
		if err != nil {
			return nil, err
		}
		if d.settings.get(profileKey) != full().name {
			continue
		}
		if last == nil || cmp.Less(last.facts.get(startedKey), d.facts.get(startedKey)) {
			last = d
		}
	}
	if last == nil {
		return nil, fmt.Errorf("%w: %s has no full run", errDocument, folder)
	}
	return last, nil
}
