package plain_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"onsale/internal/plain"
)

func TestLine(t *testing.T) {
	for _, c := range [][2]string{
		{"", ""},
		{"Beyoncé – 日本 🎫", "Beyoncé – 日本 🎫"},
		{"\x1b]0;mine\x07", `\x1b]0;mine\x07`},
		{"a\nb\tc\r", `a\x0ab\x09c\x0d`},
		{"\u009b31m", `\u009b31m`},
		{"\x9b31m", `\x9b31m`},
		{"user\u202Etxt", `user\u202etxt`},
		{"a\u00a0b \uFFFD", "a\u00a0b \uFFFD"},
		{"\U000e0041", `\U000e0041`},
		{"می\u200cخواهم 👩\u200d🚀", "می\u200cخواهم 👩\u200d🚀"},
	} {
		if got := plain.Line(c[0]); got != c[1] {
			t.Errorf("%q: %q, not %q", c[0], got, c[1])
		}
	}
	if got := plain.Text("two\n\tlines\x07"); got != "two\n\tlines\\x07" {
		t.Errorf("%q", got)
	}
}

func TestCell(t *testing.T) {
	for _, same := range []string{"", " ", "-1", "+1.5", "-.5e-3", "1,5", "a=b", "O'Hara", "2026-11-30T10:00:00Z", "🎫-"} {
		if got := plain.Cell(same); got != same {
			t.Errorf("%q became %q", same, got)
		}
	}
	for _, formula := range []string{`=1+1`, "@SUM(A1)", "-cmd|' /C calc'!A0", "+1+1", " =1", "\t=1", "\tx", "\rx", "\ufeff=1", "\uff1d1", "\u200b-2+3", "-1-1", "--1", "-"} {
		if got := plain.Cell(formula); got != "'"+formula {
			t.Errorf("%q became %q", formula, got)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("\x1b[2J=cmd|\u202e\x9b\xff")
	f.Fuzz(func(t *testing.T, text string) {
		for _, shown := range []string{plain.Line(text), strings.NewReplacer("\n", "", "\t", "").Replace(plain.Text(text))} {
			if !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
				t.Errorf("%q is shown as %q", text, shown)
			}
		}
		if got := plain.Cell(text); got != text && got != "'"+text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
