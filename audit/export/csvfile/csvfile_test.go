package csvfile_test

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/audit/export"
	"onsale/audit/export/csvfile"
	"onsale/audit/export/exporttest"
	"onsale/audit/follow"
	"onsale/internal/plain"
)

// rowsOf returns the rows of a made-up journal.
func rowsOf(t *testing.T, blocks int) *export.Rows {
	dir := filepath.Join(t.TempDir(), "journal")
	exporttest.NewTeller(7).Grow(t, exporttest.Journal(t, dir), blocks)
	books := export.NewBooks(export.UsersClear)
	if err := follow.NewFolder(dir).Read(t.Context(), books.Read); err != nil {
		t.Fatal(err)
	}
	return books.Take()
}

// read returns the files of a folder, unpacked, by their names without .gz.
func read(t *testing.T, dir string) map[string]string {
	files := map[string]string{}
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range found {
		if strings.HasPrefix(one.Name(), ".") {
			continue
		}
		name := strings.TrimSuffix(one.Name(), ".gz")
		if _, twice := files[name]; twice {
			t.Errorf("%s is there in both forms", name)
		}
		files[name] = content(t, filepath.Join(dir, one.Name()))
	}
	return files
}

func content(t *testing.T, path string) string {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var from io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if from, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A folder has what the rows say, whichever form it was written in before, and only that.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fin[a]nce")
	before, rows := rowsOf(t, 100), rowsOf(t, 400)
	if err := csvfile.Write(dir, before, csvfile.Options{Gzip: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "orders.csv.unfinished"), []byte("killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	var forms []map[string]string
	for _, packed := range []bool{false, true, true} {
		if err := csvfile.Write(dir, rows, csvfile.Options{Gzip: packed, Users: export.UsersClear, Cell: plain.Cell}); err != nil {
			t.Fatal(err)
		}
		forms = append(forms, read(t, dir))
	}
	if !maps.Equal(forms[0], forms[1]) || !maps.Equal(forms[1], forms[2]) {
		t.Error("the same rows gave other files")
	}
	names := slices.Sorted(maps.Keys(forms[0]))
	if want := []string{"births.csv", "movements.csv", "orders.csv", "payments.csv", "position.csv", "sale_changes.csv", "sales.csv"}; !slices.Equal(names, want) {
		t.Fatalf("%q, want %q", names, want)
	}
	for _, table := range export.Tables() {
		holds(t, table, rows.Of(table), forms[0][table.Name+".csv"])
	}
	if !strings.Contains(forms[0]["position.csv"], rows.Position.HeadHash()) || !strings.Contains(forms[0]["sales.csv"], "'=ticket") {
		t.Errorf("%s%s", forms[0]["position.csv"], forms[0]["sales.csv"])
	}
}

// holds compares a file with the rows.
func holds(t *testing.T, table *export.Table, rows []export.Row, file string) {
	lines, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil || len(lines) != 1+len(rows) || len(rows) == 0 || !slices.Equal(lines[0], table.Columns) {
		t.Fatalf("%s: %d lines for %d rows, %v", table.Name, len(lines), len(rows), err)
	}
	for i, row := range rows { // Write has sorted them
		for k, v := range row {
			if want := plain.Cell(export.Text(v)); lines[1+i][k] != want {
				t.Errorf("%s, row %d: %s is %q, want %q", table.Name, i, table.Columns[k], lines[1+i][k], want)
			}
		}
	}
}

// A folder that cannot be written keeps what it has, and a second exporter is told who the first is.
func TestRefused(t *testing.T) {
	dir, rows := t.TempDir(), rowsOf(t, 50)
	if err := csvfile.Write(dir, rows, csvfile.Options{}); err != nil {
		t.Fatal(err)
	}
	before := read(t, dir)
	lock, err := export.Lock(filepath.Join(dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := csvfile.Write(dir, rows, csvfile.Options{}); !errors.Is(err, export.ErrOtherExporter) || !strings.Contains(err.Error(), export.Self()+", since ") {
		t.Error(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sales.csv.unfinished"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sales.csv.unfinished", "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := csvfile.Write(dir, rows, csvfile.Options{}); err == nil {
		t.Error("wrote over a folder")
	}
	if err := os.RemoveAll(filepath.Join(dir, "sales.csv.unfinished")); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(before, read(t, dir)) {
		t.Error("the files have changed")
	}
}
