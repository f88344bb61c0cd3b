package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// provider is the sandbox with the folder of its books. Only one hand strikes it.
type provider struct {
	*process
	folder string   // of the books that it has now
	away   []string // folders of books that it had for a while
	rate   float64  // calls a second that it takes; 0 for all
}

// booksName is the file of books in a folder.
const booksName = "books.jsonl"

func (p *provider) arguments(secretFile, webhook string) []string {
	return []string{"sandbox", "--listen", p.http, "--books", filepath.Join(p.folder, booksName), "--payment-secret-file", secretFile,
		"--webhook", "http://" + webhook, "--calls-per-second", fmt.Sprint(p.rate), "--log-format", "text"}
}

// down is a provider that nobody reaches.
func (p *provider) down(ctx context.Context, length time.Duration) error {
	p.kill()
	wait(ctx, length)
	return p.start()
}

// The slices of a slow provider's time: every call takes up to slowStop longer.
const (
	slowStop = 800 * time.Millisecond
	slowGo   = 60 * time.Millisecond
)

// slow is a provider that answers late.
func (p *provider) slow(ctx context.Context, length time.Duration) error {
	for end := time.Now().Add(length); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, slowGo) {
		if err := p.pause(ctx, slowStop); err != nil {
			return err
		}
	}
	return nil
}

// throttledRate is what a provider takes that answers most calls with a 429.
const throttledRate = 3

// throttles is a provider that takes few calls.
func (p *provider) throttles(ctx context.Context, length time.Duration) error {
	p.kill()
	p.rate = throttledRate
	err := p.start()
	wait(ctx, length)
	p.kill()
	p.rate = 0
	return errors.Join(err, p.start())
}

// loses is a provider that has lost its books, and has them again in the end. What it wrote
// between is kept aside.
func (p *provider) loses(ctx context.Context, length time.Duration) error {
	kept := p.folder + ".kept"
	p.kill()
	err := errors.Join(os.Rename(p.folder, kept), os.Mkdir(p.folder, 0o750))
	if err == nil {
		err = p.start()
	}
	wait(ctx, length)
	p.kill()
	away := fmt.Sprintf("%s.away-%d", p.folder, len(p.away)+1)
	p.away = append(p.away, away)
	return errors.Join(err, os.Rename(p.folder, away), os.Rename(kept, p.folder), p.start())
}
