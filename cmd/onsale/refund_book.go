package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"onsale/payment"
)

// The steps of a refund that a record has.
const (
	stepAsked = "asked" // before the cluster is told
	stepDone  = "done"  // with what became of it
)

// refundLine is a line of a record of refunds, in JSON. What if we die here? A refund that
// was asked and is not done may have been made: it is asked for again, and nothing goes back
// twice. A torn last line is one that was never asked for.
type refundLine struct {
	Version int    `json:"onsale_refund"`
	Step    string `json:"step"`
	payment.OrphanRefund
}

// refundLineVersion is the version of a line.
const refundLineVersion = 1

// refundBook is a file to which lines are added, none when file is nil.
type refundBook struct {
	file  *os.File
	begun []string // keys that were asked for and are not done, in the order of the file
}

// openRefundBook opens a record, an empty one's or an existing one's; "" for none.
func openRefundBook(path string) (*refundBook, error) {
	b := new(refundBook)
	if path == "" {
		return b, nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	b.file = file
	if err := b.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("--record: %s: %w", path, err), file.Close())
	}
	return b, nil
}

// read finds what was begun, and cuts a torn last line.
func (b *refundBook) read() error {
	whole, open := int64(0), map[string]bool{}
	lines := bufio.NewReader(b.file)
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var line refundLine
		if err := json.Unmarshal(text, &line); err != nil || line.Version != refundLineVersion {
			return fmt.Errorf("line %d is not of a record of refunds of version %d", n, refundLineVersion)
		}
		whole += int64(len(text))
		if line.Step == stepAsked && !open[line.Key] {
			b.begun = append(b.begun, line.Key)
		}
		open[line.Key] = line.Step == stepAsked
	}
	kept := b.begun[:0]
	for _, key := range b.begun {
		if open[key] {
			kept = append(kept, key)
			open[key] = false
		}
	}
	b.begun = kept
	if err := b.file.Truncate(whole); err != nil {
		return err
	}
	_, err := b.file.Seek(whole, io.SeekStart)
	return err
}

// note adds a line, on disk when it returns.
func (b *refundBook) note(step string, r *payment.OrphanRefund) error {
	if b.file == nil {
		return nil
	}
	line, err := json.Marshal(refundLine{refundLineVersion, step, *r})
	if err == nil {
		_, err = b.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}

func (b *refundBook) close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
