package main

import (
	"bytes"
	"strings"
)

// mutation is one change of one source file.
type mutation struct {
	File     string // path from the module's root, with slashes
	Function string // with its receiver's type
	Line     int
	Text     string // the line, trimmed
	Change   string // what of it is changed to what

	source     []byte // of the file, as it was when the place was found
	start, end int    // the bytes that are replaced
	with       string
}

// apply returns the changed source.
func (m *mutation) apply() []byte {
	changed := append([]byte(nil), m.source[:m.start]...)
	changed = append(changed, m.with...)
	return append(changed, m.source[m.end:]...)
}

// diff returns the changed lines, old and new.
func (m *mutation) diff() string {
	source := m.source
	first := bytes.LastIndexByte(source[:m.start], '\n') + 1
	last := len(source)
	if n := bytes.IndexByte(source[m.end:], '\n'); n >= 0 {
		last = m.end + n
	}
	before := string(source[first:last])
	after := string(source[first:m.start]) + m.with + string(source[m.end:last])
	return mark("-", before) + mark("+", after)
}

// mark sets a sign before each line.
func mark(sign, text string) string {
	var marked strings.Builder
	for _, line := range strings.Split(text, "\n") {
		marked.WriteString(sign + " " + line + "\n")
	}
	return marked.String()
}
