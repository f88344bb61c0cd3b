package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// provider is the sandbox with the folder of its books. Books are an account at the provider:
// others are another one. Only one hand strikes it.
type provider struct {
	*process
	main, second string // folders of the accounts that the cluster charges under
	folder       string // of the books that it has now
	lost         []string
	rate         float64 // calls a second that it takes; 0 for all
}

func newProvider(p *process, dir string) *provider {
	main := filepath.Join(dir, "books")
	return &provider{process: p, main: main, second: main + ".second", folder: main}
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

// use starts the provider with the books in a folder, empty ones when there are none.
func (p *provider) use(folder string) error {
	p.kill()
	p.folder = folder
	return errors.Join(makeFolder(folder), p.start())
}

// loses is a provider that has lost its books, and has them again in the end.
func (p *provider) loses(ctx context.Context, length time.Duration) error {
	lost := fmt.Sprintf("%s.lost-%d", p.main, len(p.lost)+1)
	p.lost = append(p.lost, lost)
	err := p.use(lost)
	wait(ctx, length)
	return errors.Join(err, p.use(p.main))
}

// changes is a provider at which the key of another account is used for a while; each time an
// operator accepts it.
func (p *provider) changes(ctx context.Context, length time.Duration, accept func(context.Context, string) error) error {
	for _, folder := range []string{p.second, p.main} {
		if err := p.use(folder); err != nil {
			return err
		}
		if err := accept(ctx, folder); err != nil {
			return err
		}
		if folder == p.second {
			wait(ctx, length)
		}
	}
	return nil
}
