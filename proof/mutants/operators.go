package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strconv"
)

// swaps are the operators that an operator is changed to.
var swaps = map[token.Token][]token.Token{
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.MUL},
	token.AND: {token.OR}, token.OR: {token.AND}, token.AND_NOT: {token.AND}, token.XOR: {token.OR},
	token.SHL: {token.SHR}, token.SHR: {token.SHL},
	token.ADD_ASSIGN: {token.SUB_ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN}, token.MUL_ASSIGN: {token.QUO_ASSIGN},
	token.AND_ASSIGN: {token.OR_ASSIGN}, token.OR_ASSIGN: {token.AND_ASSIGN}, token.AND_NOT_ASSIGN: {token.OR_ASSIGN},
	token.INC: {token.DEC}, token.DEC: {token.INC},
}

// expression notes what can be changed at an expression itself, not within it.
func (f *finder) expression(n ast.Node) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			f.replace(n, f.text(n.X))
		}
	case *ast.BasicLit:
		f.constant(n)
	case *ast.Ident:
		switch n.Name {
		case "true":
			f.replace(n, "false")
		case "false":
			f.replace(n, "true")
		}
	}
}

func (f *finder) binary(n *ast.BinaryExpr) {
	if n.Op == token.ADD && (isText(n.X) || isText(n.Y)) {
		return
	}
	for _, op := range swaps[n.Op] {
		f.operator(n, n.OpPos, n.Op, op)
	}
	if n.Op == token.LAND || n.Op == token.LOR {
		f.replace(n, f.text(n.X))
		f.replace(n, f.text(n.Y))
	}
}

func isText(e ast.Expr) bool {
	literal, is := e.(*ast.BasicLit)
	return is && literal.Kind == token.STRING
}

// constant changes an integer by one.
func (f *finder) constant(n *ast.BasicLit) {
	value, err := strconv.ParseUint(n.Value, 0, 62)
	if n.Kind != token.INT || err != nil {
		return
	}
	f.replace(n, fmt.Sprint(value+1))
	if value > 0 {
		f.replace(n, fmt.Sprint(value-1))
	}
}

// condition negates what decides where to go. A comparison is left to its operators.
func (f *finder) condition(e ast.Expr) {
	switch n := e.(type) {
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			return
		}
	case *ast.BinaryExpr:
		if n.Op != token.LAND && n.Op != token.LOR {
			return
		}
	case *ast.Ident:
		if n.Name == "true" || n.Name == "false" {
			return
		}
	}
	f.replace(e, "!("+f.text(e)+")")
}

// statement notes what can be changed at a statement of a block.
func (f *finder) statement(s ast.Stmt) {
	switch n := s.(type) {
	case *ast.ExprStmt:
		if call, is := n.X.(*ast.CallExpr); is && (isWords(call) || isFailpoint(call)) {
			return
		}
	case *ast.DeferStmt:
		if isFailpoint(n.Call) {
			return
		}
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE || onlyBlanks(n.Lhs) {
			return
		}
	case *ast.ReturnStmt, *ast.IncDecStmt, *ast.GoStmt, *ast.SendStmt, *ast.BranchStmt:
	default:
		return
	}
	// What it uses stays used, so that it compiles without the statement.
	f.change(s.Pos(), s.End(), "remove: "+line(f.text(s)), "if false { "+f.text(s)+" }")
}

func onlyBlanks(list []ast.Expr) bool {
	for _, e := range list {
		if name, is := e.(*ast.Ident); !is || name.Name != "_" {
			return false
		}
	}
	return true
}

// returned drops the error of a return.
func (f *finder) returned(n *ast.ReturnStmt, results *ast.FieldList) {
	if results == nil || len(n.Results) != results.NumFields() {
		return
	}
	last := n.Results[len(n.Results)-1]
	if kind, is := results.List[len(results.List)-1].Type.(*ast.Ident); !is || kind.Name != "error" {
		return
	}
	if name, is := last.(*ast.Ident); is && name.Name == "nil" {
		return
	}
	f.change(last.Pos(), last.End(), line(f.text(last))+" → nil", "func(error) error { return nil }("+f.text(last)+")")
}

// isWords reports whether a call's arguments are read by people, not by programs.
func isWords(call *ast.CallExpr) bool {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return fun.Name == "panic"
	case *ast.SelectorExpr:
		switch fun.Sel.Name {
		case "Errorf", "New":
			of, is := fun.X.(*ast.Ident)
			return is && (of.Name == "fmt" || of.Name == "errors")
		case "Debug", "Info", "Warn", "Error":
			return len(call.Args) > 0 && isText(call.Args[0])
		}
	}
	return false
}

// isFailpoint reports whether a call is a place at which a process is made to die. A
// program without them has none.
func isFailpoint(call *ast.CallExpr) bool {
	fun, is := call.Fun.(*ast.SelectorExpr)
	if !is || fun.Sel.Name != "Hit" {
		return false
	}
	of, is := fun.X.(*ast.Ident)
	return is && of.Name == "failpoint"
}
