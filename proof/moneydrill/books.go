package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// charge is a line of the provider's books: how a charge stands after a change.
type charge struct {
	Key      string          `json:"key"`
	Order    string          `json:"order"`
	Amount   int64           `json:"amount"` // minor units
	Currency string          `json:"currency"`
	Phase    string          `json:"phase"`
	Captured int64           `json:"captured_amount"`
	Refunded int64           `json:"refunded_amount"` // of that
	Dispute  json.RawMessage `json:"dispute"`         // missing when there was none
	Method   string          `json:"method"`          // when it says what becomes of the money
	// bounced counts how often money that went back came again: refunds that failed later.
	bounced int
}

// held is what of a charge the seller has, or may take.
func (c *charge) held() int64 {
	if c.Phase == phaseAuthorised {
		return c.Amount
	}
	return c.Captured - c.Refunded
}

const phaseAuthorised = "authorised"

// books are charges as they stand at the end of a file, by key.
type books map[string]*charge

// readBooks reads the file in a folder, every line in turn. A last line that was torn is not
// there: nobody was told of it. Without a file nothing was ever charged.
func readBooks(folder string) (books, error) {
	file, err := os.Open(filepath.Join(folder, booksName))
	if errors.Is(err, fs.ErrNotExist) {
		return books{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read

	all := books{}
	lines := bufio.NewReader(file)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		c := new(charge)
		if err = errors.Join(err, json.Unmarshal(line, c)); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", folder, n, err)
		}
		if c.Key == "" { // the first line names the format
			continue
		}
		if was := all[c.Key]; was != nil {
			if c.bounced = was.bounced; c.Refunded < was.Refunded {
				c.bounced++
			}
		}
		all[c.Key] = c
	}
}
