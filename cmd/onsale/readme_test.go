package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// readmeBlock is one code block of a page that a reader would paste.
type readmeBlock struct {
	script string
	expect string // lines that the output must have; "" when the page shows none
}

var blockPattern = regexp.MustCompile("(?s)<!-- ci: (\\w+) -->\n```sh\n(.*?)```\n(?:<!-- expect -->\n```\n(.*?)```\n)?")

// readmeBlocks returns the blocks of each group, in order: a group is what one
// reader pastes into one shell.
func readmeBlocks(t *testing.T, path string) map[string][]readmeBlock {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string][]readmeBlock{}
	for _, m := range blockPattern.FindAllStringSubmatch(string(data), -1) {
		groups[m[1]] = append(groups[m[1]], readmeBlock{m[2], m[3]})
	}
	return groups
}

// TestREADME pastes the README into a shell: in a copy of the tree, and in a
// network of its own, so that its ports are nobody else's.
func TestREADME(t *testing.T) {
	testenv.TakesLong(t, "builds the program and runs clusters")
	testenv.NeedsProgram(t, "ip", "iproute2")
	testenv.NeedsNamespaces(t, isolated...)
	pasteGroups(t, "../../README.md", "one", "life", "three", "bench")
}

// TestSellersDay pastes a seller's day from docs/selling.md in the same way.
func TestSellersDay(t *testing.T) {
	testenv.TakesLong(t, "builds the program and runs a cluster")
	testenv.NeedsProgram(t, "ip", "iproute2")
	testenv.NeedsNamespaces(t, isolated...)
	pasteGroups(t, "../../docs/selling.md", "day")
}

// pasteGroups pastes the groups of a page, which are all that it has, each into a shell of its own.
func pasteGroups(t *testing.T, page string, names ...string) {
	groups := readmeBlocks(t, page)
	if found := slices.Sorted(maps.Keys(groups)); !slices.Equal(found, slices.Sorted(slices.Values(names))) {
		t.Fatalf("%s has blocks of %q, expected are %q", page, found, names)
	}
	tree := copyTree(t, "../..")
	for _, group := range names {
		t.Run(group, func(t *testing.T) { paste(t, tree, groups[group]) })
	}
}

const endOfBlock = "=== end of block ==="

func paste(t *testing.T, tree string, blocks []readmeBlock) {
	script := "set -e\nip link set lo up\n"
	for _, b := range blocks {
		script += b.script + "echo '" + endOfBlock + "'\n"
	}
	output, err := runIsolated(t, tree, script)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	parts := strings.Split(output, endOfBlock+"\n")
	for i, b := range blocks {
		if missing := missingLine(parts[i], b.expect); missing != "" {
			t.Errorf("block %d: the page shows\n%s\nbut the output was\n%s", i+1, missing, parts[i])
		}
	}
}

// isolated are the namespaces of a script.
var isolated = []string{"--net", "--map-root-user", "--pid", "--fork"}

// runIsolated runs a script in a network namespace that holds nothing but
// loopback. Whatever it left running is killed with it.
func runIsolated(t *testing.T, dir, script string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "unshare", append(isolated, "--kill-child", "bash", "-c", script)...)
	command.Dir = dir
	command.WaitDelay = 10 * time.Second
	output, err := command.CombinedOutput()
	return string(output), err
}

// missingLine returns the first expected line that no line of the output matches,
// in order; … stands for anything, and a space that does not break for one that does, since nobody
// sees which it is.
func missingLine(output, expect string) string {
	lines := strings.Split(strings.ReplaceAll(output, "\u00a0", " "), "\n")
	for _, want := range strings.Split(strings.TrimSpace(expect), "\n") {
		if want == "" {
			continue
		}
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$")
		found := false
		for len(lines) > 0 && !found {
			found = pattern.MatchString(lines[0])
			lines = lines[1:]
		}
		if !found {
			return want
		}
	}
	return ""
}

// copyTree copies the sources to a new folder.
func copyTree(t *testing.T, from string) string {
	to := t.TempDir()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch relative {
			case ".git", "bin", "data", "life", "three", "day":
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, relative), data, 0o644)
	})
	if err != nil {
		t.Fatal(fmt.Errorf("copy the tree: %w", err))
	}
	return to
}
