package audit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forgeries are all journals that break something, and how they are audited.
var forgeries = []struct {
	forgeries []forgery
	options   Options
}{
	{forgedSequences, Options{LedgerOnly: true}},
	{forgedBuys, Options{LedgerOnly: true}},
	{forgedSteps, Options{LedgerOnly: true}},
	{forgedTickets, Options{LedgerOnly: true}},
	{forgedEvents, Options{LedgerOnly: true}},
	{forgedSales, Options{LedgerOnly: true}},
	{forgedDecisions, Options{}},
}

// Every check has a journal that it finds. The second decision is switched off for
// the ledger's checks: the ledger must name the wrong by itself.
func TestEveryCheckSpeaks(t *testing.T) {
	for _, group := range forgeries {
		for _, f := range group.forgeries {
			t.Run(f.name, func(t *testing.T) {
				r, found := f.run(group.options), map[check]bool{}
				for i := range r.Findings {
					found[r.Findings[i].check] = true
				}
				got, want := slices.Sorted(maps.Keys(found)), slices.Sorted(slices.Values(f.finds))
				if !slices.Equal(got, want) {
					t.Fatalf("checks %v report it, want %v:\n%s", got, want, r)
				}
				checkFindings(t, r)
			})
		}
	}
}

// Before they were forged the same journals are clean.
func TestUnforgedIsClean(t *testing.T) {
	for _, group := range forgeries {
		for _, f := range group.forgeries {
			before := forgery{batches: f.batches}
			if r := before.run(Options{}); r.Verdict != VerdictClean {
				t.Errorf("%s: %s", f.name, r)
			}
		}
	}
}

// checkFindings holds the findings of a report to what their checks say.
func checkFindings(t *testing.T, r *Report) {
	t.Helper()
	if r.Verdict != VerdictFindings || r.FindingCount != uint64(len(r.Findings)) {
		t.Errorf("%s, %d findings, %d are listed", r.Verdict, r.FindingCount, len(r.Findings))
	}
	for _, f := range r.Findings {
		if f.Kind != checks[f.check].kind || f.Block == 0 || r.FindingKinds[f.Kind] == 0 {
			t.Errorf("%+v", f)
		}
		if f.Order == 1 {
			t.Errorf("seq 1 is no order: %+v", f)
		}
		if strings.Contains(f.Message, "%!") {
			t.Errorf("the values of the message are not those that it names: %s", f.Message)
		}
	}
}

// A new check without a journal that breaks it fails here.
func TestEveryCheckIsProvoked(t *testing.T) {
	provoked, alone := map[check]bool{}, map[check]bool{}
	for _, group := range forgeries {
		for _, f := range group.forgeries {
			for _, c := range f.finds {
				provoked[c] = true
				alone[c] = alone[c] || len(f.finds) == 1
			}
		}
	}
	for c := range checkEnd {
		switch reason := neverAlone[c]; {
		case !provoked[c]:
			t.Errorf("no journal breaks what check %d holds it to (%q)", c, checks[c].message)
		case !alone[c] && reason == "", alone[c] && reason != "":
			t.Errorf("check %d (%q) alone: %t, but why not: %q", c, checks[c].message, alone[c], reason)
		}
	}
}

// neverAlone are checks whose wrong another check sees too, and why.
var neverAlone = map[check]string{
	checkPaymentEnd:    "the books go on as the promise says, so the decision shows the order otherwise",
	checkRedecidedTime: "both follow the same rule of time, one from the books and one from the rules",
	checkTotals:        "the books follow the recorded decisions, so another total comes from another decision",
}

// Every check has its kind and message, and one place that reports it: were there
// two, the journal of one would stand for the other.
func TestEveryCheckHasOnePlace(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	places, files := map[string][]token.Position{}, token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range reports(file) {
			check, named := call.Args[0].(*ast.Ident)
			if !named {
				t.Fatalf("%s: the check is not named", files.Position(call.Pos()))
			}
			places[check.Name] = append(places[check.Name], files.Position(call.Pos()))
		}
	}
	for name, at := range places {
		if len(at) != 1 {
			t.Errorf("%s is reported in %d places: %v", name, len(at), at)
		}
	}
	if len(places) != int(checkEnd) {
		t.Errorf("%d checks are reported, there are %d", len(places), checkEnd)
	}
	for c, row := range checks {
		if row.kind == "" || row.message == "" {
			t.Errorf("check %d has kind %q, message %q", c, row.kind, row.message)
		}
	}
}

// reports are the calls in a file that report a finding.
func reports(file *ast.File) (calls []*ast.CallExpr) {
	ast.Inspect(file, func(n ast.Node) bool {
		if call, is := n.(*ast.CallExpr); is {
			if method, is := call.Fun.(*ast.SelectorExpr); is && method.Sel.Name == "report" {
				calls = append(calls, call)
			}
		}
		return true
	})
	return calls
}
