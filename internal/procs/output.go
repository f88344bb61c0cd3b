package procs

import (
	"io"
	"math"
	"os"
	"regexp"
	"strings"
)

// tailBytes is how much of its output an error about a process shows.
const tailBytes = 2000

// output is what one run of a program writes: a file from an offset on. The file stays open
// for as long as somebody may read it; it is closed with the collection of its Process.
type output struct {
	file  *os.File
	begin int64 // of this run
}

// openOutput opens the file of a path, or one without a name.
func openOutput(path string) (*output, error) {
	if path == "" {
		file, err := os.CreateTemp("", "process-*.log")
		if err != nil {
			return nil, err
		}
		return &output{file: file}, os.Remove(file.Name())
	}

	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return &output{file: file, begin: info.Size()}, nil
}

// String returns all that was written up to now.
func (o *output) String() string { return o.from(o.begin) }

// from returns what was written from an offset of the file on. What cannot be read is not
// there: the output is for people and for patterns.
func (o *output) from(offset int64) string {
	var text strings.Builder
	_, _ = io.Copy(&text, io.NewSectionReader(o.file, offset, math.MaxInt64-offset))
	return text.String()
}

// tail returns the end of what was written, without the space around it.
func (o *output) tail() string {
	info, err := o.file.Stat()
	if err != nil || info.Size()-o.begin <= tailBytes {
		return strings.TrimSpace(o.String())
	}
	return "…" + strings.TrimSpace(o.from(info.Size()-tailBytes))
}

// find returns the first whole line's match, nil for none.
func (o *output) find(pattern *regexp.Regexp) []string {
	for line := range strings.Lines(o.String()) {
		if text, whole := strings.CutSuffix(line, "\n"); whole {
			if match := pattern.FindStringSubmatch(text); match != nil {
				return match
			}
		}
	}
	return nil
}

// Output returns what the process has written since its start.
func (p *Process) Output() string { return p.output.String() }

// tail returns the end of the output for an error's text.
func (p *Process) tail() string {
	if text := p.output.tail(); text != "" {
		return "\n" + text
	}
	return ""
}
