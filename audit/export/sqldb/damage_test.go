package sqldb_test

import (
	"database/sql"
	"testing"
)

// damage changes a file behind everybody's back.
func damage(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	done, err := db.ExecContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := done.RowsAffected(); err != nil || rows == 0 {
		t.Fatalf("%s: %d rows, %v", statement, rows, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
