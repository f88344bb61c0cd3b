// Package plain makes text that strangers chose, such as a buyer's name or the name of what
// is sold, harmless where people read it: in a terminal, which obeys control characters, and
// in a spreadsheet, which runs formulas.
//
// It trades off looks: what is written is not byte for byte what was chosen. Programs read
// JSON, which is.
package plain

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Line returns text of one line without characters that a terminal obeys: control characters,
// line breaks among them, those that turn the direction of reading round (Unicode's
// "Trojan Source", CVE-2021-42574), and bytes that are no UTF-8. They are shown as Go spells
// them, such as \x1b.
func Line(text string) string { return escape(text, "") }

// Text is as Line, but keeps line breaks and tabs, for text of which they are ours.
func Text(text string) string { return escape(text, "\n\t") }

// joiners are format characters that names are spelled with.
const joiners = "\u200c\u200d"

func escape(text, kept string) string {
	harmless := func(r rune) bool { return unicode.IsPrint(r) || strings.ContainsRune(joiners+kept, r) }
	if strings.IndexFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || !harmless(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == unicode.ReplacementChar && text[i] != "\uFFFD"[0]: // a byte that is no UTF-8
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case harmless(r), unicode.Is(unicode.Zs, r): // wide spaces are spaces
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// number is what a spreadsheet takes for a number, and nothing else.
var number = regexp.MustCompile(`^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$`)

// Cell returns the text of a cell for a spreadsheet. What would be taken for a formula gets
// an apostrophe in front, as OWASP's "CSV Injection" has it: text that begins, after spaces,
// with = + - or @, as ASCII or in full width, or with a tab or a carriage return. Numbers are
// left as they are.
func Cell(text string) string {
	start := strings.TrimLeftFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	if start == "" || number.MatchString(text) {
		return text
	}
	if strings.ContainsAny(text[:1], "\t\r") || strings.ContainsAny(string([]rune(start)[0]), "=+-@\uff1d\uff0b\uff0d\uff20") {
		return "'" + text
	}
	return text
}
