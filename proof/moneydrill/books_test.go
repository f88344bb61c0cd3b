package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The last line of a charge counts, a refund that came again is counted, and a torn line is not
// there.
func TestReadBooks(t *testing.T) {
	folder := t.TempDir()
	text := `{"onsale_sandbox":2}
{"key":"a","order":"o","amount":200,"currency":"EUR","phase":"authorised","captured_amount":0,"refunded_amount":0}
{"key":"b","order":"o","amount":200,"currency":"EUR","phase":"declined"}
{"key":"a","order":"o","amount":200,"currency":"EUR","phase":"refunded","captured_amount":200,"refunded_amount":200}
{"key":"a","order":"o","amount":200,"currency":"EUR","phase":"captured","captured_amount":200,"refunded_amount":0}
{"key":"c","ord`
	if err := os.WriteFile(filepath.Join(folder, booksName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := readBooks(folder)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if a := all["a"]; a.held() != 200 || a.bounced != 1 || all["b"].held() != 0 {
		t.Errorf("%+v, %+v", a, all["b"])
	}
	if none, err := readBooks(t.TempDir()); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
