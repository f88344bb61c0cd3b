package main

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/term"

	"onsale/api/contract"
	"onsale/internal/amount"
	"onsale/internal/plain"
)

// show prints data in the chosen format: value as JSON, or rows under a header.
func (p *program) show(value any, header []string, rows [][]string) error {
	switch p.format {
	case "json":
		encoder := json.NewEncoder(p.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	case "csv":
		return p.writeCSV(append([][]string{header}, rows...))
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0 // as they are spelled in JSON and CSV
	t.AppendHeader(tableRow(header))
	for _, row := range rows {
		t.AppendRow(tableRow(row))
	}
	_, err := fmt.Fprintln(p.out, t.Render())
	return err
}

func tableRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = plain.Line(c)
	}
	return row
}

// writeCSV writes rows for a spreadsheet, or as they are with --raw; on a terminal without
// what it obeys.
func (p *program) writeCSV(rows [][]string) error {
	onTerminal := isTerminal(p.out)
	for _, row := range rows {
		p.spellCells(row, onTerminal)
	}
	w := csv.NewWriter(p.out)
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return w.Error()
}

// spellCells changes the cells of a row of CSV to what writeCSV writes.
func (p *program) spellCells(row []string, onTerminal bool) {
	for i, c := range row {
		if onTerminal {
			c = plain.Line(c)
		}
		if !p.raw {
			c = plain.Cell(c)
		}
		row[i] = c
	}
}

// money spells an amount for people, in its currency, and for programs in minor units.
func (p *program) money(minor int64, currency string) string {
	if p.format == "table" {
		return amount.Money(minor, currency)
	}
	return cell(minor)
}

// isTerminal reports whether what is written is seen by a person at once.
func isTerminal(to io.Writer) bool {
	file, is := to.(*os.File)
	return is && term.IsTerminal(int(file.Fd()))
}

// showFields prints one value's fields, under the names that JSON gives them.
func (p *program) showFields(value any) error {
	return p.show(value, []string{"field", "value"}, fieldRows(p, value))
}

// fieldRows are the fields of a struct that are not zero, a row each.
func fieldRows(p *program, value any) (rows [][]string) {
	v := reflect.Indirect(reflect.ValueOf(value))
	for _, f := range reflect.VisibleFields(v.Type()) {
		name, field := jsonName(f), v.FieldByIndex(f.Index)
		if name == "-" || f.Anonymous || field.IsZero() {
			continue
		}
		if nested := nestedRows(name, field.Interface()); nested != nil {
			rows = append(rows, nested...)
			continue
		}
		if minor, is := field.Interface().(int64); is && name == "price" { // beside its currency
			rows = append(rows, []string{name, p.money(minor, v.FieldByName("Currency").String())})
			continue
		}
		rows = append(rows, []string{name, cell(field.Interface())})
	}
	return rows
}

// nestedRows are the rows of a field that has several; nil for one that does not.
func nestedRows(name string, value any) (rows [][]string) {
	switch v := value.(type) {
	case map[string]uint64:
		return append([][]string{}, countRows(name, v)...)
	case []contract.OrderTicket:
		for i := range v {
			rows = append(rows, []string{name + "." + cell(v[i].Number), cmp.Or(v[i].Code, "valid")})
		}
	case []contract.OrderPart:
		for i := range v {
			text := strings.TrimSpace(fmt.Sprintf("%d refunded, money_back=%s %s", v[i].Quantity, v[i].MoneyBack, v[i].MoneyBackReason))
			rows = append(rows, []string{name + "." + cell(v[i].Part), text})
		}
	case *contract.Dispute:
		rows = [][]string{{name + ".status", v.Status}, {name + ".amount", cell(v.Amount)}}
		if v.EvidenceBy != nil {
			rows = append(rows, []string{name + ".evidence_by", cell(v.EvidenceBy)})
		}
	}
	return rows
}

// countRows are the counts that are not zero, a row each.
func countRows(name string, counts map[string]uint64) (rows [][]string) {
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		if counts[key] > 0 {
			rows = append(rows, []string{name + "." + key, cell(counts[key])})
		}
	}
	return rows
}

// jsonName is a field's name in JSON.
func jsonName(f reflect.StructField) string {
	if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
		return name
	}
	return f.Name
}

// cell spells a value for a table.
func cell(value any) string {
	switch v := value.(type) {
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case *time.Time:
		if v == nil {
			return ""
		}
		return v.Format(time.RFC3339Nano)
	case fmt.Stringer:
		return v.String()
	case string, bool, int, int64, uint8, uint16, uint32, uint64, float64:
		return fmt.Sprint(v)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	var text string
	if json.Unmarshal(data, &text) == nil { // a string to JSON too, such as a duration
		return text
	}
	return string(data)
}
