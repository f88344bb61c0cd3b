// Command planted proves that the tests can fail: it plants bugs, each by itself,
// and runs the tests that should find it. It prints which layer found which bug
// after how long, and ends with 1 when one was not found.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/sync/errgroup"
)

// limit bounds the search for one bug.
const limit = 5 * time.Minute

func main() {
	only := flag.String("only", "", "plant only bugs whose name holds this")
	build := flag.Bool("build", false, "only build the tests with each bug: say which can no longer be planted")
	flag.Parse()
	if err := run(*only, *build); err != nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
		os.Exit(1)
	}
}

// huntsMax bounds the bugs that are hunted at once: a compiler and a linker leave half of two cores idle.
const huntsMax = 2

// nobody is who found a bug that no test found.
const nobody = "NOBODY"

// result is how the hunt for one bug ended.
type result struct {
	found string
	took  time.Duration
	err   error
}

func run(only string, build bool) error {
	dir, err := os.MkdirTemp("", "planted-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	results := make([]result, len(bugs))
	var hunts errgroup.Group
	hunts.SetLimit(huntsMax)
	for i := range bugs {
		b, r := &bugs[i], &results[i]
		if !strings.Contains(b.name, only) {
			continue
		}
		hunts.Go(func() error {
			*r = b.search(filepath.Join(dir, fmt.Sprint(i)), build)
			return nil
		})
	}
	_ = hunts.Wait() // each error is in its result
	return report(results, build)
}

// search hunts a bug, or only builds the tests with it.
func (b *bug) search(dir string, build bool) (r result) {
	if build {
		r.err = b.build(dir)
		return r
	}
	r.found, r.took, r.err = b.hunt(dir)
	if r.found == "" {
		r.found = nobody
	}
	fmt.Fprintf(os.Stderr, "%s: %s after %v\n", b.name, r.found, r.took.Round(100*time.Millisecond))
	return r
}

// report prints who found which bug, and returns an error when one was not found or not planted.
func report(results []result, build bool) error {
	rows, missed := table.NewWriter(), 0
	rows.AppendHeader(table.Row{"bug", "layer", "found by", "after"})
	for i, r := range results {
		switch b := &bugs[i]; {
		case r.err != nil:
			return fmt.Errorf("%s: %w", b.name, r.err)
		case r.found == "":
			continue // not asked for
		default:
			if r.found == nobody {
				missed++
			}
			rows.AppendRow(table.Row{b.name, b.layer, r.found, r.took.Round(100 * time.Millisecond)})
		}
	}
	if build {
		return nil
	}
	fmt.Println(rows.Render())
	if missed > 0 {
		return fmt.Errorf("%d bugs were not found", missed)
	}
	return nil
}

// hunt runs the tests without the bug, which must pass, and with it. found is the
// first test that failed then, "" when none did.
func (b *bug) hunt(dir string) (found string, took time.Duration, err error) {
	overlay, err := b.plant(dir)
	if err != nil {
		return "", 0, err
	}
	if output, err := b.test(); err != nil {
		return "", 0, fmt.Errorf("the tests fail without the bug: %w\n%s", err, output)
	}
	began := time.Now()
	output, err := b.test("-overlay", overlay, "-count", "1")
	took = time.Since(began)
	var failed *exec.ExitError
	switch {
	case err == nil:
		return "", took, nil
	case !errors.As(err, &failed), strings.Contains(output, "[build failed]"), strings.Contains(output, "[setup failed]"):
		return "", took, fmt.Errorf("the bug could not be planted: %w\n%s", err, output)
	}
	return culprit(output), took, nil
}

// build builds the tests with the bug and runs none.
func (b *bug) build(dir string) error {
	overlay, err := b.plant(dir)
	if err != nil {
		return err
	}
	output, err := exec.Command("go", "test", "-c", "-o", os.DevNull, "-overlay", overlay, b.pkg).CombinedOutput()
	if err != nil {
		return fmt.Errorf("the bug could not be planted: %w\n%s", err, output)
	}
	return nil
}

// test runs the tests that should find the bug.
func (b *bug) test(args ...string) (output string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args = append([]string{"test", "-timeout", limit.String(), "-failfast", "-run", b.run}, append(args, b.pkg)...)
	data, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if ctx.Err() != nil {
		return string(data), fmt.Errorf("no result within %v: %w", limit, ctx.Err())
	}
	return string(data), err
}

var failedTest = regexp.MustCompile(`--- FAIL: (\w+)`)

// culprit names the test that failed; a panic ends the process without a name for it
// where it was not the test's own goroutine.
func culprit(output string) string {
	if m := failedTest.FindStringSubmatch(output); m != nil {
		return m[1]
	}
	for _, line := range strings.Split(output, "\n") {
		if strings.HasPrefix(line, "panic: ") {
			return "a panic (" + line[len("panic: "):] + ")"
		}
	}
	return "the test process, which failed"
}

// plant writes the changed files and the overlay that puts them in place.
func (b *bug) plant(dir string) (overlay string, err error) {
	replace, changed := map[string]string{}, map[string]string{}
	for _, e := range b.edits {
		path, err := filepath.Abs(e.file)
		if err != nil {
			return "", err
		}
		text, again := changed[path]
		if !again {
			data, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			text = string(data)
		}
		if n := strings.Count(text, e.from); n != 1 {
			return "", fmt.Errorf("%s holds the place for the bug %d times, want 1: %q", e.file, n, e.from)
		}
		changed[path] = strings.Replace(text, e.from, e.to, 1)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	for path, text := range changed {
		replace[path] = filepath.Join(dir, strings.ReplaceAll(filepath.ToSlash(path), "/", "_"))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}
