package main

import (
	"slices"
	"strings"
	"testing"
)

// What can be changed in a function, by the kinds of places. The words are the keys of
// the list of equivalents.
func TestChanges(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"comparison", `return a < b`, []string{"a < b → a <= b", "a < b → a >= b"}},
		{"equality", `return a == b`, []string{"a == b → a != b"}},
		{"operands", `return x && y`, []string{"x && y → x || y", "x && y → x", "x && y → y"}},
		{"condition", "if x {\n}", []string{"x → !(x)"}},
		{"negated condition", "if !x {\n}", []string{"!x → x"}},
		{"condition of a case", "switch {\ncase x:\n}", []string{"x → !(x)"}},
		{"value of a case", "switch a {\ncase b:\n}", nil},
		{"sum", `return a + b`, []string{"a + b → a - b"}},
		{"text", `return "a" + t`, nil},
		{"constant", `return 1`, []string{"1 → 2", "1 → 0"}},
		{"zero", `return 0`, []string{"0 → 1"}},
		{"truth", `return true`, []string{"true → false"}},
		{"call", `f(a)`, []string{"remove: f(a)"}},
		{"failpoints", "failpoint.Hit(failpoint.Here)\ndefer failpoint.Hit(failpoint.There)", nil},
		{"defer", `defer f(a)`, []string{"remove: defer f(a)"}},
		{"assignment", `a = b`, []string{"remove: a = b"}},
		{"declaration", `a := b`, nil},
		{"nothing is assigned", `_ = b`, nil},
		{"added", `a += b`, []string{"remove: a += b", "a += b → a -= b"}},
		{"one more", `a++`, []string{"remove: a++", "a++ → a--"}},
		{"early return", "if x {\nreturn a\n}", []string{"x → !(x)", "remove: return a"}},
		{"error", `return a, err`, []string{"err → nil"}},
		{"break", "for {\nbreak\n}", []string{"remove: break"}},
		{"panic", `panic(1 + a)`, nil},
		{"error's words", `return a, fmt.Errorf("%d", a+1)`, []string{`fmt.Errorf("%d", a+1) → nil`}},
		{"words of a log", `log.Info("told", "of", a+1)`, nil},
		{"function within", "f(func() error { return err })",
			[]string{"remove: f(func() error { return err })", "err → nil"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := "package p\n\nfunc (t *T) m() (int, error) {\n" + c.body + "\n}\n"
			found, err := mutationsOf("p.go", []byte(source))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range found {
				if m.Function != "T.m" || m.Line < 4 || !strings.Contains(source, m.Text) {
					t.Errorf("%+v", m)
				}
				got = append(got, m.Change)
			}
			if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(c.want))) {
				t.Fatalf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	source := []byte("package p\n\nfunc f() bool {\n\treturn 2 < 1\n}\n")
	found, err := mutationsOf("p.go", source)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(found, func(m mutation) bool { return m.Change == "2 < 1 → 2 >= 1" })
	if want := "- \treturn 2 < 1\n+ \treturn 2 >= 1\n"; found[at].diff() != want {
		t.Fatalf("%s, want %s", found[at].diff(), want)
	}
	if want := "package p\n\nfunc f() bool {\n\treturn 2 >= 1\n}\n"; string(found[at].apply()) != want {
		t.Fatalf("%s, want %s", found[at].apply(), want)
	}
}
