package main

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// properNouns may begin a help, whose first letter is small otherwise.
var properNouns = regexp.MustCompile(`^(HOST:PORT|TOML|JSON|CSV|TLS)\b`)

// leaning is how a help begins, or goes on, that needs the one above it: --help sorts them.
var leaning = regexp.MustCompile(`^(its|their|they|them|the same|it|also|likewise|where it|under which|what it)\b|\bdo the same\b|\bas above\b`)

// Every flag's help stands alone, of every command.
func TestHelpStandsAlone(t *testing.T) {
	seen := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			seen++
			for _, wrong := range helpProblems(f) {
				t.Errorf("%s --%s: %q: %s", c.CommandPath(), f.Name, f.Usage, wrong)
			}
		})
		if short := []rune(c.Short); len(short) == 0 || !unicode.IsUpper(short[0]) || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: %q is no title", c.CommandPath(), c.Short)
		}
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(newRoot(&program{out: io.Discard, err: io.Discard}))
	if seen < 300 {
		t.Errorf("%d flags were looked at", seen)
	}
}

// helpProblems says what is wrong with a flag's help.
func helpProblems(f *pflag.Flag) (wrong []string) {
	help := f.Usage
	if strings.TrimSpace(help) == "" {
		return []string{"empty"}
	}
	if !unicode.IsLower([]rune(help)[0]) && !properNouns.MatchString(help) {
		wrong = append(wrong, "begins with neither a small letter nor a name")
	}
	if leaning.MatchString(help) {
		wrong = append(wrong, "leans on another help")
	}
	if strings.Contains(help, "`") {
		wrong = append(wrong, "a backquote names the value")
	}
	if strings.HasSuffix(help, ".") {
		wrong = append(wrong, "ends with a full stop")
	}
	return append(wrong, unitProblems(f)...)
}

// units are the words that say of what a number is.
var units = []struct{ named, words *regexp.Regexp }{
	{regexp.MustCompile(`-bytes\b`), regexp.MustCompile(`\bbytes?\b`)},
	{regexp.MustCompile(`-bits\b`), regexp.MustCompile(`\bbits?\b`)},
	{regexp.MustCompile(`-per-second$`), regexp.MustCompile(`\ba second\b`)},
	{regexp.MustCompile(`-requests(-max)?$`), regexp.MustCompile(`\brequests\b`)},
	{regexp.MustCompile(`-entries$`), regexp.MustCompile(`\bentries\b`)},
}

// durations are the words one of which the help of a duration has.
var durations = regexp.MustCompile(`\b(time|times|long|often|until|after|instant|for ever|longer|pause|delay|wait|waits|in which|age)\b`)

func unitProblems(f *pflag.Flag) (wrong []string) {
	for _, u := range units {
		if u.named.MatchString(f.Name) && !u.words.MatchString(f.Usage) {
			wrong = append(wrong, "does not say "+u.words.String())
		}
	}
	if f.Value.Type() == "duration" && !durations.MatchString(f.Usage) {
		wrong = append(wrong, "does not say that it is a time")
	}
	numbers := []string{"int", "int64", "uint", "uint8", "uint64", "float64"}
	if slices.Contains(numbers, f.Value.Type()) && !strings.Contains(f.Usage, " ") {
		wrong = append(wrong, "does not say of what it is a number")
	}
	return wrong
}
