package suite

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// marks are what one run of Go benchmarks printed: numbers by unit, by the benchmark's
// name without "Benchmark" and the number of processors.
type marks map[string]map[string]float64

var processors = regexp.MustCompile(`-\d+$`)

// parseMarks reads lines like "BenchmarkApply/selling-2  1000  98.2 ns/op  7 decisions/s".
func parseMarks(output []byte) marks {
	m := marks{}
	scan(output, func(line string) {
		fields := strings.Fields(line)
		name, isBenchmark := "", false
		if len(fields) >= 4 {
			name, isBenchmark = strings.CutPrefix(fields[0], "Benchmark")
		}
		if !isBenchmark {
			return
		}
		values := map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				values[fields[i+1]] = v
			}
		}
		m[processors.ReplaceAllString(name, "")] = values
	})
	return m
}

// get returns a number that a benchmark must have printed.
func (m marks) get(name, unit string) (float64, error) {
	v, found := m[name][unit]
	if !found {
		return 0, fmt.Errorf("%w: no %s of Benchmark%s", errOutput, unit, name)
	}
	return v, nil
}

// benchmark runs a package's compiled benchmarks in the package's folder.
func (x *executor) benchmark(ctx context.Context, dir, binary, pattern, times string, more ...string) (marks, error) {
	args := append([]string{"-test.run", "^$", "-test.bench", pattern, "-test.benchtime", times, "-test.timeout", "30m"}, more...)
	output, err := x.run(ctx, dir, binary, args...)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, tailOf(output))
	}
	return parseMarks(output), nil
}

// tailOf returns the end of an output: benchmarks say there what failed.
func tailOf(output []byte) []byte { return output[max(0, len(output)-600):] }
