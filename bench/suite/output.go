package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// outputBytesMax bounds what is kept of a command's output.
const outputBytesMax = 64 << 20

// limited keeps the beginning of what is written.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := outputBytesMax - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// lines passes on whole lines, indented, and remembers the last of them.
type lines struct {
	to      io.Writer
	partial []byte
	last    []string
}

// lastLinesMax is how much of what a failed command said goes into the result.
const lastLinesMax = 8

func (l *lines) Write(p []byte) (int, error) {
	l.partial = append(l.partial, p...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.line(line)
		l.partial = append([]byte(nil), rest...)
	}
}

func (l *lines) line(line []byte) {
	text := strings.TrimRight(string(line[:min(len(line), 2000)]), " \r")
	fmt.Fprintln(l.to, "    "+text)
	l.last = append(l.last, text)
	l.last = l.last[max(0, len(l.last)-lastLinesMax):]
}

func (l *lines) flush() {
	if len(l.partial) > 0 {
		l.line(l.partial)
		l.partial = nil
	}
}

// tail returns the last lines for an error message.
func (l *lines) tail() string {
	if len(l.last) == 0 {
		return ""
	}
	return "; it said: " + strings.Join(l.last, " / ")
}
