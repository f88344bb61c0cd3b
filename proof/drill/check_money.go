//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"os"
)

// charge is a line of the provider's books: how a charge stands after a change.
type charge struct {
	Key      string `json:"key"`
	Order    string `json:"order"`
	Amount   int64  `json:"amount"`
	Phase    string `json:"phase"`
	Captured int64  `json:"captured_amount"`
	Refunded int64  `json:"refunded_amount"`
}

// readBooks returns the provider's charges as they stand at the end. A last line that was
// torn is not there: nobody was told of it.
func readBooks(path string) ([]charge, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	at := map[string]int{}
	var charges []charge
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var c charge
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil || c.Key == "" {
			continue // the first line names the format
		}
		if i, known := at[c.Key]; known {
			charges[i] = c
			continue
		}
		at[c.Key] = len(charges)
		charges = append(charges, c)
	}
	return charges, lines.Err()
}

// checkMoney: of a paid order one charge keeps the price of its tickets, of others none.
func (l *ledger) checkMoney(f *findings, books []charge) {
	type sum struct {
		kept   int64
		taking int // charges that keep money
	}
	of := map[string]*sum{}
	for _, c := range books {
		f.counts["charges"]++
		if l.orders[c.Order] == nil {
			f.add("money", "charge %s is of order %s, which is nobody's", c.Key, c.Order)
		}
		if of[c.Order] == nil {
			of[c.Order] = new(sum)
		}
		s := of[c.Order]
		if kept := c.Captured - c.Refunded; kept != 0 {
			s.kept += kept
			s.taking++
		}
		if c.Phase == "authorised" {
			f.add("money", "charge %s of order %s is authorised, and neither taken nor let go", c.Key, c.Order)
		}
	}
	for _, uid := range sortedKeys(l.orders) {
		h, s := l.orders[uid], of[uid]
		if s == nil {
			s = new(sum)
		}
		f.counts["money"]++
		want, state := int64(0), ""
		for i := range h.said {
			if h.said[i].last {
				state = h.said[i].state
				want = int64(h.said[i].quantity) * price
			}
		}
		if state != "paid" {
			want = 0
		}
		if s.kept != want || want > 0 && s.taking != 1 {
			f.add("money", "order %s is %s: %d is kept by %d charges, and %d is due", uid, state, s.kept, s.taking, want)
		}
	}
}
