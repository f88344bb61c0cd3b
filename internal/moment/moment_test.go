package moment

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Moment
		if _, any := m.Since(); any {
			t.Error("there is one at the beginning")
		}
		m.Set(time.Now())
		time.Sleep(time.Second)
		if since, any := m.Since(); !any || since != time.Second {
			t.Errorf("%v, %t", since, any)
		}
		m.Set(time.Now().Add(time.Minute))
		if since, any := m.Since(); !any || since != -time.Minute {
			t.Errorf("ahead: %v, %t", since, any)
		}
		m.Clear()
		if _, any := m.Since(); any {
			t.Error("it is not cleared")
		}
	})
}

// wall says where a difference of wall clocks is meant: two machines' clocks, or a clock and
// the log.
var wall = map[string]bool{"raftfsm/clock.go": true, "raftfsm/folder/restore.go": true, "proof/nemesis/fault_clock.go": true}

// Durations are measured with the monotonic clock: nobody subtracts a number of nanoseconds
// of the wall clock from another.
func TestDurationsAreMonotonic(t *testing.T) {
	const root = "../.."
	looked := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		switch {
		case entry.IsDir() && (name == "bench/peers" || name == "tools" || strings.HasPrefix(entry.Name(), ".") && name != "."):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || wall[filepath.ToSlash(name)]:
			return nil
		}
		looked++
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if e, is := n.(*ast.BinaryExpr); is && e.Op == token.SUB && (isWall(e.X) || isWall(e.Y)) {
				t.Errorf("%s: a difference of the wall clock; keep a time.Time, or a moment.Moment", files.Position(e.Pos()))
			}
			return true
		})
		return nil
	})
	if err != nil || looked < 100 {
		t.Fatalf("%d files, %v", looked, err)
	}
}

// isWall reports whether an expression is a call of UnixNano and its kin.
func isWall(e ast.Expr) bool {
	call, is := e.(*ast.CallExpr)
	if !is {
		return false
	}
	method, is := call.Fun.(*ast.SelectorExpr)
	return is && strings.HasPrefix(method.Sel.Name, "Unix") && len(call.Args) == 0
}
