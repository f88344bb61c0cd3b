package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// mark is one line of Go's benchmark format: numbers by unit, in their order.
type mark struct {
	name   string // without "Benchmark" and the number of processors
	values []value
}

type value struct {
	number float64
	unit   string
}

// get returns the number of a unit.
func (m *mark) get(unit string) (float64, bool) {
	for _, v := range m.values {
		if v.unit == unit {
			return v.number, true
		}
	}
	return 0, false
}

// String is the line as benchmarks print it.
func (m *mark) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Benchmark%s 1", m.name)
	for _, v := range m.values {
		fmt.Fprintf(&b, " %s %s", strconv.FormatFloat(v.number, 'f', -1, 64), v.unit)
	}
	return b.String()
}

var processors = regexp.MustCompile(`-\d+$`)

// parseMark reads a line like "BenchmarkApply/selling-2  1000  98.2 ns/op  7 decisions/s".
func parseMark(line string) (m mark, is bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return m, false
	}
	name, is := strings.CutPrefix(fields[0], "Benchmark")
	m.name = processors.ReplaceAllString(name, "")
	for i := 2; i+1 < len(fields); i += 2 {
		if number, err := strconv.ParseFloat(fields[i], 64); err == nil {
			m.values = append(m.values, value{number, fields[i+1]})
		}
	}
	return m, is
}

// marks are what one run of Go benchmarks printed.
type marks []mark

func parseMarks(output []byte) (all marks) {
	for line := range strings.Lines(string(output)) {
		if m, is := parseMark(line); is {
			all = append(all, m)
		}
	}
	return all
}

// find takes a number that a benchmark must have printed.
func (m marks) find(name, unit string, number *float64) error {
	for i := range m {
		if m[i].name == name {
			if n, found := m[i].get(unit); found {
				*number = n
				return nil
			}
		}
	}
	return fmt.Errorf("%w: no %s of Benchmark%s", errOutput, unit, name)
}

// benchmarks runs a package's compiled benchmarks in the package's folder, for each of runs
// once: a pattern, how often, and further flags.
func (x *executor) benchmarks(ctx context.Context, dir string, runs ...[]string) (all marks, err error) {
	for _, run := range runs {
		args := append([]string{"-test.run", "^$", "-test.bench", run[0], "-test.benchtime", run[1], "-test.timeout", "30m"}, run[2:]...)
		output, err := x.run(ctx, dir, binaryOf(dir), args...)
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, lastLine(string(output))) // benchmarks say there what failed
		}
		all = append(all, parseMarks(output)...)
	}
	return all, nil
}
