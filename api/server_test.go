package api

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

func TestConfigBounds(t *testing.T) {
	good := DefaultConfig()
	must(t, good.Validate())
	for name, change := range map[string]func(*Config){
		"HeaderBytesMax": func(c *Config) { c.HeaderBytesMax = 10 }, "HeaderLinesMax": func(c *Config) { c.HeaderLinesMax = 0 },
		"URIBytesMax": func(c *Config) { c.URIBytesMax = 1 << 20 }, "BodyBytesMax": func(c *Config) { c.BodyBytesMax = 0 },
		"ConnectionsMax": func(c *Config) { c.ConnectionsMax = 0 }, "ConnectionsPerAddressMax": func(c *Config) { c.ConnectionsPerAddressMax = -1 },
		"ReadWaitersMax": func(c *Config) { c.ReadWaitersMax = -1 }, "ReadTimeout": func(c *Config) { c.ReadTimeout = 0 },
		"WriteTimeout": func(c *Config) { c.WriteTimeout = 0 }, "IdleTimeout": func(c *Config) { c.IdleTimeout = 2 * time.Hour },
		"ReadWait": func(c *Config) { c.ReadWait = -1 }, "Clock": func(c *Config) { c.Clock = nil }, "Logger": func(c *Config) { c.Logger = nil },
	} {
		config := DefaultConfig()
		change(&config)
		_, err := NewPublic(config, nil, nil, nil)
		_, privateErr := NewPrivate(config, nil, nil, nil, nil, Operations{})
		if !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), name) || !errors.Is(privateErr, ErrBadConfig) {
			t.Errorf("%s: %v, %v", name, err, privateErr)
		}
	}
}

// TestTable: every kind has its row, its code is its own, and the error that the
// server answers comes out of the problem on the client's side.
func TestTable(t *testing.T) {
	codes := map[string]bool{}
	for kind := range contract.KindCount {
		entry := kind.Entry()
		if entry.Status < 400 || entry.Code == "" || entry.Title == "" || entry.Err == nil || codes[entry.Code] {
			t.Errorf("kind %d: %+v", kind, entry)
		}
		codes[entry.Code] = true
		problem := contract.ProblemOf(entry.Err)
		if problem.Kind() != kind || !errors.Is(problem, entry.Err) || contract.KindOf(problem) != kind {
			t.Errorf("%s: comes back as %s", entry.Code, problem.Code)
		}
	}
	if unknown := (&contract.Problem{Code: "from-the-future"}); errors.Unwrap(unknown) != nil {
		t.Error("an unknown code is taken for a known one")
	}
	for outcome := range outcomeCount {
		if unused := int(outcome) >= len(outcomeNames) && outcome < outcomeFirstCode; !unused && outcome.String() == "unknown" {
			t.Errorf("outcome %d has no name", outcome)
		}
	}
}

// TestProblemsPage: docs/problems.md has every code with its status, in the order of
// the statuses, and none that there is not; and every reason to refuse a buy.
func TestProblemsPage(t *testing.T) {
	page, err := os.ReadFile("../docs/problems.md")
	must(t, err)
	want := map[string]int{}
	for kind := range contract.KindCount {
		want[kind.Entry().Code] = kind.Entry().Status
	}
	last := 0
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([0-9]{3}) \\|").FindAllStringSubmatch(string(page), -1) {
		status, _ := strconv.Atoi(row[2]) // three digits
		if want[row[1]] != status || status < last {
			t.Errorf("the page has %s %d after %d, the table %d", row[1], status, last, want[row[1]])
		}
		delete(want, row[1])
		last = status
	}
	if len(want) > 0 {
		t.Errorf("the page lacks %v", want)
	}
	for _, reason := range enum(t, "RefusalReason") {
		if !strings.Contains(string(page), "\n| `"+reason+"` |") {
			t.Errorf("the page lacks the refusal %s", reason)
		}
	}
}

// TestBuyDoesNotAllocate keeps the hot path as it is.
func TestBuyDoesNotAllocate(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("instrumented")
	}
	handler, ctx := benchRequest(t)
	if allocations := testing.AllocsPerRun(200, func() { ctx.Response.Reset(); handler(ctx) }); allocations > 0 {
		t.Errorf("%v allocations a buy", allocations)
	}
	if ctx.Response.StatusCode() != 202 {
		t.Errorf("answer %d %s", ctx.Response.StatusCode(), ctx.Response.Body())
	}
}

// TestSequencerErrorsAreInTheTable: none of them may come out as a bug of ours.
func TestSequencerErrorsAreInTheTable(t *testing.T) {
	for _, err := range []error{sequencer.ErrOverloaded, sequencer.ErrNoLeader, &sequencer.NotLeaderError{}, sequencer.ErrOutcomeUnknown, sequencer.ErrStopping, sequencer.ErrBehind} {
		if contract.KindOf(err) == contract.Internal {
			t.Errorf("%v is internal", err)
		}
	}
}
