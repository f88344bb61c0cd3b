package api

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// update writes the golden files anew: go test ./api -update
var update = flag.Bool("update", false, "write the golden files anew")

const rawTablePath = "testdata/raw.txt"

// rawRow is one row of the golden table: bytes, and what they are answered with.
type rawRow struct {
	name    string
	request string // with TOKEN for a token
	wait    bool   // nothing is sent behind it
	want    string
	line    int // index of the line with want, in the file
}

// rawTable is the file that the rows stand in.
type rawTable struct {
	lines []string
	rows  []rawRow
}

// readRawTable reads the golden table; its head says what it looks like.
func readRawTable(t testing.TB) *rawTable {
	t.Helper()
	file, err := os.ReadFile(rawTablePath)
	must(t, err)
	table := &rawTable{lines: strings.Split(string(file), "\n")}
	var row rawRow
	for i, line := range table.lines {
		text, indented := strings.CutPrefix(line, "  ")
		switch want, ends := strings.CutPrefix(text, "-->"); {
		case line == "" || strings.HasPrefix(line, "#"):
		case !indented:
			row = rawRow{name: line}
		case ends:
			row.want, row.line = strings.TrimSpace(want), i
			table.rows = append(table.rows, row)
		case text == "wait":
			row.wait = true
		default:
			bytes, err := unquoteRepeated(text)
			if err != nil {
				t.Fatalf("%s:%d: %v", rawTablePath, i+1, err)
			}
			row.request += bytes
		}
	}
	return table
}

// unquoteRepeated reads a Go string with perhaps "* N" behind it.
func unquoteRepeated(text string) (string, error) {
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, text)
	}
	times := 1
	if count, repeated := strings.CutPrefix(text[len(quoted):], " * "); repeated {
		if times, err = strconv.Atoi(count); err != nil {
			return "", err
		}
	}
	value, err := strconv.Unquote(quoted)
	return strings.Repeat(value, times), err
}

// write puts what the rows got into the file.
func (table *rawTable) write(t testing.TB, got []string) {
	t.Helper()
	for i := range table.rows {
		table.lines[table.rows[i].line] = "  --> " + got[i]
	}
	must(t, os.WriteFile(rawTablePath, []byte(strings.Join(table.lines, "\n")), 0o644))
}
