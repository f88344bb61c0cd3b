package main

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// finder collects the mutations of one file, in the order of their places.
type finder struct {
	files    *token.FileSet
	source   []byte
	name     string
	function string
	found    []mutation
}

// find returns every mutation of a package, without test files and what is not built here. The folder is given
// from the module's root, which is root.
func find(root, dir string) ([]mutation, error) {
	names, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var all []mutation
	for _, name := range names { // in the order of names
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if built, err := build.Default.MatchFile(filepath.Dir(name), filepath.Base(name)); err != nil {
			return nil, err
		} else if !built {
			continue // of another system, or of a program with a tag
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		found, err := mutationsOf(filepath.ToSlash(filepath.Join(dir, filepath.Base(name))), source)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("nothing can be changed in %s", dir)
	}
	return all, nil
}

func mutationsOf(name string, source []byte) ([]mutation, error) {
	f := finder{files: token.NewFileSet(), source: source, name: name}
	file, err := parser.ParseFile(f.files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range file.Decls {
		if function, is := d.(*ast.FuncDecl); is && function.Body != nil {
			f.function = functionName(function)
			f.body(function.Type, function.Body)
		}
	}
	return f.found, nil
}

func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	receiver := d.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.IndexListExpr:
			receiver = t.X
		case *ast.Ident:
			return t.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

// body finds what can be changed in a function; the functions within have types of
// their own.
func (f *finder) body(kind *ast.FuncType, body *ast.BlockStmt) {
	var end ast.Stmt
	if n := len(body.List); n > 0 {
		end = body.List[n-1]
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.body(n.Type, n.Body)
			return false
		case *ast.CallExpr:
			if isWords(n) {
				return false
			}
		case *ast.BlockStmt:
			f.list(n.List, end)
		case *ast.CaseClause:
			f.list(n.Body, end)
		case *ast.CommClause:
			f.list(n.Body, end)
		case *ast.SwitchStmt:
			f.cases(n)
		case *ast.IfStmt:
			f.condition(n.Cond)
		case *ast.ReturnStmt:
			f.returned(n, kind.Results)
		case *ast.AssignStmt:
			for _, op := range swaps[n.Tok] {
				f.operator(n, n.TokPos, n.Tok, op)
			}
		case *ast.IncDecStmt:
			f.operator(n, n.TokPos, n.Tok, swaps[n.Tok][0])
		}
		f.expression(n)
		return true
	})
}

// list finds the statements that can be left out. The return that ends a function is
// none of them: without it nothing compiles.
func (f *finder) list(statements []ast.Stmt, end ast.Stmt) {
	for _, s := range statements {
		if _, returns := s.(*ast.ReturnStmt); !returns || s != end {
			f.statement(s)
		}
	}
}

// cases negates the conditions of a switch that has nothing to compare with.
func (f *finder) cases(n *ast.SwitchStmt) {
	if n.Tag != nil {
		return
	}
	for _, s := range n.Body.List {
		for _, e := range s.(*ast.CaseClause).List {
			f.condition(e)
		}
	}
}

// operator notes that one operator becomes another one.
func (f *finder) operator(n ast.Node, at token.Pos, old, changed token.Token) {
	start, op := f.files.Position(n.Pos()).Offset, f.files.Position(at).Offset
	end := f.files.Position(n.End()).Offset
	text := string(f.source[start:op]) + changed.String() + string(f.source[op+len(old.String()):end])
	f.change(at, at+token.Pos(len(old.String())), line(f.text(n))+" → "+line(text), changed.String())
}

func (f *finder) replace(n ast.Node, with string) {
	f.change(n.Pos(), n.End(), line(f.text(n))+" → "+line(with), with)
}

func (f *finder) change(from, to token.Pos, description, with string) {
	at := f.files.Position(from)
	f.found = append(f.found, mutation{
		File: f.name, Function: f.function, Line: at.Line, Text: lineOf(f.source, at.Offset), Change: description,
		source: f.source, start: at.Offset, end: f.files.Position(to).Offset, with: with,
	})
}

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.files.Position(n.Pos()).Offset:f.files.Position(n.End()).Offset])
}

// line writes source in one line.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }

// lineOf returns the line around an offset, trimmed.
func lineOf(source []byte, offset int) string {
	start := strings.LastIndexByte(string(source[:offset]), '\n') + 1
	rest, _, _ := strings.Cut(string(source[start:]), "\n")
	return strings.TrimSpace(rest)
}
