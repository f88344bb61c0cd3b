package sequencer

import (
	"bytes"
	"strings"
	"testing"
)

const somePseudonym = PseudonymPrefix + "0badcafe.abcdefghijklmnopqrstuvwxy-_"

// A pseudonym is told from a name by its whole form, and tells its key.
func TestPseudonymKeyOf(t *testing.T) {
	for user, want := range map[string]PseudonymKeyID{
		somePseudonym: 0x0badcafe,
		PseudonymPrefix + "00000001." + strings.Repeat("A", 27): 1,
		PseudonymPrefix + "00000000." + strings.Repeat("A", 27): 0,
		"":                               0,
		"alice":                          0,
		"p1.alice":                       0,
		somePseudonym + "x":              0,
		somePseudonym[:PseudonymBytes-1]: 0,
		strings.Replace(somePseudonym, "p1.", "p2.", 1):                    0,
		strings.Replace(somePseudonym, "0badcafe", "0BADCAFE", 1):          0,
		strings.Replace(somePseudonym, "0badcafe", "0badcafg", 1):          0,
		strings.Replace(somePseudonym, "0badcafe.", "0badcafe:", 1):        0,
		strings.Replace(somePseudonym, "abc", "a c", 1):                    0,
		strings.Replace(somePseudonym, "abc", "a+c", 1):                    0,
		PseudonymPrefix + "0badcafe." + strings.Repeat("\u00e9", 13) + "a": 0,
	} {
		if got := PseudonymKeyOf([]byte(user)); got != want {
			t.Errorf("%q: %v, want %v", user, got, want)
		}
	}
	if PseudonymKeyID(0xcafe).String() != "0000cafe" || PseudonymKeyID(0).String() != "" {
		t.Error("an id is spelled otherwise than in pseudonyms")
	}
}

// A sale takes the users of its own key alone, so that nobody holds its cap twice by being known
// under two keys, or in clear.
func TestOneNameInOneSale(t *testing.T) {
	clear, keyed := usualSpec(), usualSpec()
	clear.ID, keyed.ID, keyed.PseudonymKey = "clear", "keyed", PseudonymKeyOf([]byte(somePseudonym))
	s := New()
	decided := func(c Command) Code {
		var d Decisions
		s.Apply(&Batch{Time: keyed.StartsAt, Commands: []Command{c}}, &d)
		return d.Results[0].Code
	}
	for _, spec := range []SaleSpec{clear, keyed} {
		if code := decided(Command{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)}); code != CodeOK {
			t.Fatal(code)
		}
	}
	other := bytes.Replace([]byte(somePseudonym), []byte("0badcafe"), []byte("0badcaff"), 1)
	for _, c := range []struct {
		sale uint16
		user string
		want Code
	}{
		{1, "alice", CodeOK}, {1, somePseudonym, CodeBadRequest}, {1, string(other), CodeBadRequest},
		{2, "alice", CodeBadRequest}, {2, somePseudonym, CodeOK}, {2, string(other), CodeBadRequest},
	} {
		if code := decided(Command{Kind: KindBuy, Sale: c.sale, User: []byte(c.user), Quantity: 1}); code != c.want {
			t.Errorf("sale %d, %s: %v, want %v", c.sale, c.user, code, c.want)
		}
	}
	changed := keyed
	changed.PseudonymKey++
	if code := decided(Command{Kind: KindSaleUpdate, Sale: 2, Body: AppendSaleSpec(nil, &changed)}); code != CodeSaleStarted {
		t.Errorf("the key of a sale that runs was changed: %v", code)
	}
}
