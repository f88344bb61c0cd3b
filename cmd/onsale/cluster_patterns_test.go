package main

import (
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"gig", "gig", true}, {"gig", "gag", false}, {"gig*", "gig", true}, {"gig*", "*-vip", true}, {"gig*", "tour*", false},
		{"*", "gig", true}, {"?", "*", true}, {"??", "?", false}, {"a*b", "*c*", true}, {"a*b", "b*", false}, {"*a", "*b", false},
		{"[ab]*", "[cd]*", false}, {"[a-c]x", "[c-e]?", true}, {"[^a]", "a", false}, {`\*`, "*", false}, {`gi\g`, "gig", true},
		{"a*a", "a", false}, {"**", "a", true}, {"A*", "*", false}, {`[\]a]`, "a", true},
	} {
		if got := overlap(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
		if got := overlap(c.b, c.a); got != c.want {
			t.Errorf("%q and %q: %v", c.b, c.a, got)
		}
	}
}

// Patterns overlap exactly when path.Match takes some text for both. All texts of up to six
// of two letters are tried, which the patterns here cannot tell from longer ones.
func TestOverlapAsMatch(t *testing.T) {
	var ids []string
	for length := range 7 {
		for bits := range 1 << length {
			id := ""
			for i := range length {
				id += string("ab"[bits>>i&1])
			}
			ids = append(ids, id)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() (pattern string) {
		for range random.IntN(4) {
			pattern += []string{"a", "b", "*", "?", "[ab]", "[^a]", `\a`}[random.IntN(7)]
		}
		return pattern
	}
	for range 3000 {
		a, b := pick(), pick()
		want := slices.ContainsFunc(ids, func(id string) bool {
			first, _ := path.Match(a, id)
			second, _ := path.Match(b, id)
			return first && second
		})
		if got := overlap(a, b); got != want {
			t.Fatalf("%q and %q: %v, want %v", a, b, got, want)
		}
	}
}

// A table that leaves open whose a sale is does not start, and config validate says which two
// clusters it is about.
func TestTableThatOverlaps(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.toml")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	table := func(main, hot string) {
		text := "[clusters.main]\nnodes = [\"h:1\"]\n" + main + "\n[clusters.hot]\nnodes = [\"h:2\"]\nnumber = 1\n" + hot + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own := []string{"--config", file, "--secret-file", secret, "--peer-secret-file", secret, "--http", "127.0.0.1:0", "--private", "127.0.0.1:0"}
	for _, c := range []struct{ main, hot, words string }{
		{`sales = ["gig*"]`, `sales = ["tour*", "*-vip"]`, `the sale patterns "*-vip" of cluster hot and "gig*" of cluster main overlap`},
		{"", "", "the clusters hot and main both serve every sale"},
	} {
		table(c.main, c.hot)
		has(t, command(t, 2, append([]string{"config", "validate", "frontend"}, own...)...), c.words)
		has(t, command(t, 2, append([]string{"frontend"}, own...)...), c.words)
	}
	for _, right := range [][2]string{{"", `sales = ["tour*"]`}, {`sales = ["gig*"]`, `sales = ["tour*", "vip-*"]`}} {
		table(right[0], right[1])
		command(t, 0, append([]string{"config", "validate", "frontend"}, own...)...)
	}
}

// A cluster without patterns serves what no other one's match.
func TestServing(t *testing.T) {
	wanted := map[string]clusterEntry{"main": {}, "hot": {Sales: []string{"tour*"}}, "odd": {Sales: []string{"odd"}}}
	for _, c := range []struct{ sale, of string }{{"tour-1", "hot"}, {"odd", "odd"}, {"gig", "main"}} {
		for name := range wanted {
			if got := serving(wanted, name)(c.sale); got != (name == c.of) {
				t.Errorf("%s by %s: %v", c.sale, name, got)
			}
		}
	}
	if serving(map[string]clusterEntry{"main": {}}, "main") != nil {
		t.Error("the only cluster does not serve every sale")
	}
}
