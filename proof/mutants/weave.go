package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// The environment of a program says which of its mutants runs, counted from 1. 0 is none; any number below 0 is
// none either, and those that a test reaches are written to a file.
const (
	chosenName  = "ONSALE_MUTANT"
	reachedName = "ONSALE_MUTANTS_REACHED"
)

// chooser is the file that a package gets beside its own: its name, the two variables and the number of mutants
// are filled in.
const chooser = `package %s

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
)

var (
	mutantChosen, _ = strconv.Atoi(os.Getenv(%q))
	mutantsReached  [%d + 1]atomic.Bool
)

func mutantReached(mutant int) {
	if mutantsReached[mutant].Swap(true) {
		return
	}
	file, err := os.OpenFile(os.Getenv(%q), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	fmt.Fprintln(file, mutant)
}
`

// woven is a source file in which a function that is changed chooses among itself and its changed copies. They
// follow at the file's end, so that every other line keeps its number.
type woven struct {
	source []byte
	pkg    string
	spans  []span
}

// span are the lines of one mutant's copy.
type span struct {
	mutant      int
	first, last int
}

// at returns the mutant whose copy has a line; 0 when none has.
func (w *woven) at(line int) int {
	for _, s := range w.spans {
		if s.first <= line && line <= s.last {
			return s.mutant
		}
	}
	return 0
}

// weaver builds one file.
type weaver struct {
	files  *token.FileSet
	source []byte
	edits  []edit
	copies bytes.Buffer
	woven
}

// edit puts text in the place of some bytes.
type edit struct {
	start, end int
	text       string
}

// weave returns a file with mutants, all of that file, by their numbers.
func weave(mutants map[int]*mutation) (*woven, error) {
	numbers := sortedKeys(mutants)
	first := mutants[numbers[0]]
	w := weaver{files: token.NewFileSet(), source: first.source}
	file, err := parser.ParseFile(w.files, first.File, w.source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	w.pkg = file.Name.Name
	lines := bytes.Count(w.source, []byte("\n")) + 1
	for _, d := range file.Decls {
		function, is := d.(*ast.FuncDecl)
		if !is || function.Body == nil {
			continue
		}
		var chosen []int
		for _, n := range numbers {
			if m := mutants[n]; w.offset(function.Pos()) <= m.start && m.end <= w.offset(function.End()) {
				chosen = append(chosen, n)
			}
		}
		if len(chosen) > 0 {
			w.choose(function, chosen)
		}
		for _, n := range chosen {
			text := w.changed(function, mutants[n], n)
			count := strings.Count(text, "\n") + 1
			w.spans = append(w.spans, span{n, lines + 1, lines + count})
			lines += count
			w.copies.WriteString(text + "\n")
		}
	}
	w.woven.source = append(replaced(w.source, w.edits), '\n')
	w.woven.source = append(w.woven.source, w.copies.Bytes()...)
	return &w.woven, nil
}

func sortedKeys(mutants map[int]*mutation) (keys []int) {
	for n := range mutants {
		keys = append(keys, n)
	}
	slices.Sort(keys)
	return keys
}

func (w *weaver) offset(p token.Pos) int { return w.files.Position(p).Offset }

// choose lets a function begin with the choice of a mutant, which is called with what the function was called with.
func (w *weaver) choose(d *ast.FuncDecl, mutants []int) {
	call := ""
	if d.Recv != nil {
		call = w.named(d.Recv, "mutantReceiver")[0] + "."
	}
	arguments := strings.Join(w.named(d.Type.Params, "mutantArgument"), ", ")
	var choice strings.Builder
	choice.WriteString(" if mutantChosen < 0 {")
	for _, n := range mutants {
		fmt.Fprintf(&choice, " mutantReached(%d);", n)
	}
	choice.WriteString(" }; switch mutantChosen {")
	for _, n := range mutants {
		called := call + copyName(d, n) + w.typeArguments(d) + "(" + arguments + ")"
		if d.Type.Results != nil {
			called = "return " + called
		} else {
			called += "; return"
		}
		fmt.Fprintf(&choice, " case %d: %s;", n, called)
	}
	choice.WriteString(" };")
	at := w.offset(d.Body.Lbrace) + 1
	w.edits = append(w.edits, edit{at, at, choice.String()})
}

func copyName(d *ast.FuncDecl, mutant int) string {
	return fmt.Sprintf("%sMutant%d", d.Name.Name, mutant)
}

// named returns how a function passes its parameters on. Those without a name get one.
func (w *weaver) named(list *ast.FieldList, name string) (all []string) {
	for i, field := range list.List {
		dots := ""
		if _, variadic := field.Type.(*ast.Ellipsis); variadic {
			dots = "..."
		}
		if len(field.Names) == 0 {
			given := fmt.Sprint(name, i)
			at := w.offset(field.Type.Pos())
			w.edits, all = append(w.edits, edit{at, at, given + " "}), append(all, given+dots)
		}
		for k, ident := range field.Names {
			given := ident.Name
			if given == "_" {
				given = fmt.Sprint(name, i, "x", k)
				w.edits = append(w.edits, edit{w.offset(ident.Pos()), w.offset(ident.End()), given})
			}
			all = append(all, given+dots)
		}
	}
	return all
}

func (w *weaver) typeArguments(d *ast.FuncDecl) string {
	if d.Type.TypeParams == nil {
		return ""
	}
	return "[" + strings.Join(w.named(d.Type.TypeParams, ""), ", ") + "]"
}

// changed is a function's copy under a name of its own, with one mutation.
func (w *weaver) changed(d *ast.FuncDecl, m *mutation, number int) string {
	start, end := w.offset(d.Pos()), w.offset(d.End())
	edits := []edit{
		{w.offset(d.Name.Pos()) - start, w.offset(d.Name.End()) - start, copyName(d, number)},
		{m.start - start, m.end - start, m.with},
	}
	return string(replaced(w.source[start:end], edits))
}

// replaced returns source with edits, which do not overlap.
func replaced(source []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var all []byte
	at := 0
	for _, e := range edits {
		all = append(append(all, source[at:e.start]...), e.text...)
		at = e.end
	}
	return append(all, source[at:]...)
}
