package releases

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"onsale/proof/testenv"
)

// tree is a small one with a history.
type tree struct {
	t    *testing.T
	root string
}

const goldenPath = "wal/testdata/golden/frame.hex"

func newTree(t *testing.T) *tree {
	testenv.NeedsProgram(t, "git", "git")
	r := &tree{t, t.TempDir()}
	r.write(File, "# releases\n")
	r.write(changelogFile, "# Changelog\n\n## Unreleased\n\n## v0.1.0\n\n- first\n")
	r.write(goldenPath, "0102\n")
	r.write("go.mod", "module onsale\n\ngo 1.26\n")
	r.write("cmd/onsale/main.go", "package main\n\nvar release, commit string\n\nfunc main() { println(release, commit) }\n")
	r.speak(1)
	r.git("init", "-q", "-b", "main")
	r.commit("first")
	return r
}

func (r *tree) write(path, text string) {
	r.t.Helper()
	path = filepath.Join(r.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		r.t.Fatal(err)
	}
}

// speak sets the level that the tree speaks.
func (r *tree) speak(level int) {
	r.write(levelFile, fmt.Sprintf("package sequencer\n\n// LevelMax is.\nconst LevelMax = %d\n", level))
}

func (r *tree) git(args ...string) string {
	r.t.Helper()
	output, err := git(r.t.Context(), r.root, append([]string{"-c", "user.name=n", "-c", "user.email=e"}, args...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(output)
}

func (r *tree) commit(message string) {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "-m", message)
}

// note names HEAD as a release, and commits the line.
func (r *tree) note(name string, level uint16) {
	r.t.Helper()
	at := r.git("rev-parse", "HEAD")
	is, err := Note(r.t.Context(), r.root, name, level)
	if err != nil || is.Commit != at || is.Name != name || is.Level != level {
		r.t.Fatalf("%+v, %v, HEAD is %s", is, err, at)
	}
	r.commit("note")
}

func (r *tree) check(what string, level uint16, want error, words ...string) {
	r.t.Helper()
	err := Check(r.t.Context(), r.root, level)
	if !errors.Is(err, want) {
		r.t.Fatalf("%s: %v, want %v", what, err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			r.t.Errorf("%s: %v says nothing of %q", what, err, w)
		}
	}
}

// Before a release all may change; after it the level's formats stay, or the level goes up by one.
func TestLevelBelongsToARelease(t *testing.T) {
	r := newTree(t)
	r.write(goldenPath, "0103\n")
	r.check("nothing is released", 1, nil)
	r.git("checkout", "-q", goldenPath)
	r.note("v0.1.0", 1)
	r.check("as released", 1, nil)

	r.write("wal/testdata/golden/later.hex", "07\n")
	r.check("a format that the release did not have", 1, nil)
	r.write(goldenPath, "0103\n")
	r.check("a changed format", 1, ErrFormat, goldenPath, "v0.1.0", "from level 2 on")
	r.check("at the next level", 2, nil)
	r.check("two levels on", 3, ErrFormat, "speaks level 3")
	r.check("a level back", 0, ErrFormat)
	if err := os.Remove(filepath.Join(r.root, goldenPath)); err != nil {
		t.Fatal(err)
	}
	r.check("a format that is gone", 1, ErrFormat, goldenPath)
}

// What the file says of a commit that is not there, or is another.
func TestLinesAndHistory(t *testing.T) {
	r := newTree(t)
	r.note("v0.1.0", 1)
	line := r.git("show", "HEAD:"+File)
	r.write(File, strings.Replace(line, "v0.1.0 1 ", "v0.1.0 2 ", 1)+"\n")
	r.check("another level", 2, ErrFile, "speaks level 1")
	r.write(File, strings.Replace(line, "v0.1.0 ", "v0.1.1 ", 1)+"\n")
	r.check("no section", 1, ErrFile, changelogFile, "v0.1.1")
	r.write(File, "v0.1.0 1 "+someCommit+" 2026-12-01\n")
	r.check("no such commit", 1, ErrHistory, someCommit, "--unshallow")

	r.write(File, line+"\n")
	r.git("checkout", "-q", "--orphan", "other")
	r.commit("another history")
	r.check("another history", 1, ErrHistory, "does not come after")
}

// An exported tree and a shallow clone fail, and say what to do.
func TestWithoutHistory(t *testing.T) {
	r := newTree(t)
	r.note("v0.1.0", 1)
	shallow := &tree{t, filepath.Join(t.TempDir(), "shallow")}
	if output, err := exec.Command("git", "clone", "-q", "--depth", "1", "file://"+r.root, shallow.root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	shallow.check("a shallow clone", 1, ErrHistory, "--unshallow")
	if err := os.RemoveAll(filepath.Join(r.root, ".git")); err != nil {
		t.Fatal(err)
	}
	r.check("an exported tree", 1, ErrHistory, "no clone")
	last, err := Last(t.Context(), r.root, 1)
	if err != nil || last.Name != "v0.1.0" {
		t.Fatalf("%+v, %v", last, err)
	}
	if _, err := last.Build(t.Context(), r.root, t.TempDir()); !errors.Is(err, ErrHistory) {
		t.Errorf("built: %v", err)
	}
}

// What keeps a commit from being released.
func TestNoteRefuses(t *testing.T) {
	r := newTree(t)
	refuse := func(name string, level uint16, want error, words string) {
		t.Helper()
		if is, err := Note(t.Context(), r.root, name, level); !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %+v, %v, want %v and %q", name, is, err, want, words)
		}
	}
	refuse("v0.2.0", 1, ErrNotReady, `no section "## v0.2.0"`)
	refuse("v0.1.0", 2, ErrNotReady, "built with 2")
	r.write("new", "file")
	refuse("v0.1.0", 1, ErrNotReady, "changes that no commit has")
	r.write(changelogFile, "# Changelog\n\n## Unreleased\n\n- more\n\n## v0.1.0\n\n- first\n")
	r.commit("more")
	refuse("v0.1.0", 1, ErrNotReady, "under Unreleased")
	r.write(changelogFile, "# Changelog\n\n## Unreleased\n\n## v0.1.0\n\n- first\n")
	r.commit("less")
	r.note("v0.1.0", 1)
	refuse("v0.1.0", 1, ErrFile, "does not come after")
}

// The program that is built is the release's, whatever the tree is now, under its name; while
// nothing is released it is the last commit's.
func TestBuild(t *testing.T) {
	r := newTree(t)
	built := func() string {
		t.Helper()
		last, err := Last(t.Context(), r.root, 1)
		if err != nil {
			t.Fatal(err)
		}
		program, err := last.Build(t.Context(), r.root, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command(program).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		return string(said)
	}
	if said := built(); said != "unreleased HEAD\n" {
		t.Errorf("before a release: %q", said)
	}
	at := r.git("rev-parse", "HEAD")
	r.named("devel")
	r.note("v0.1.0", 1)
	r.named("v0.1.0") // nothing but the line is new
	r.git("checkout", "-q", at)
	r.named("v0.1.0")
	r.git("checkout", "-q", "main")
	r.write("cmd/onsale/main.go", "package main\n\nnothing that compiles\n")
	r.commit("later")
	r.named("devel")
	r.git("tag", "v9.9.9")
	r.named("v9.9.9")
	if said := built(); said != "v0.1.0 "+at[:12]+"\n" {
		t.Errorf("the release: %q", said)
	}
}

// named expects what make build calls the commit that is checked out.
func (r *tree) named(want string) {
	r.t.Helper()
	script, err := filepath.Abs(filepath.Join(root, "tools", "release-name"))
	if err != nil {
		r.t.Fatal(err)
	}
	c := exec.Command(script)
	c.Dir = r.root
	if said, err := c.CombinedOutput(); err != nil || string(said) != want+"\n" {
		r.t.Errorf("the commit is called %q, %v; want %q", said, err, want)
	}
}
