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

	start, end int // the bytes that are replaced
	with       string
}

// apply returns the changed source.
func (m *mutation) apply(source []byte) []byte {
	changed := append([]byte(nil), source[:m.start]...)
	changed = append(changed, m.with...)
	return append(changed, source[m.end:]...)
}

// diff returns the changed lines, old and new.
func (m *mutation) diff(source []byte) string {
	first := bytes.LastIndexByte(source[:m.start], '\n') + 1
	last := m.end + max(0, bytes.IndexByte(append(source[m.end:len(source):len(source)], '\n'), '\n'))
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
