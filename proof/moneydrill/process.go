package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"onsale/internal/procs"
)

// process is one program that is killed and started again.
type process struct {
	name, program, log string
	http, private      string // where it listens; the provider at the first alone
	args               func() []string

	mu    sync.Mutex
	run   *procs.Process // nil while it is meant to be down
	falls int            // ends that nobody asked for
}

// start starts the process, unless it runs. One that ended by itself is counted.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil && !p.run.HasEnded() {
		return nil
	}
	if p.run != nil {
		p.falls++
	}
	run, err := procs.Start(procs.Config{Name: p.name, Path: p.program, Args: p.args(), LogPath: p.log})
	p.run = run
	return err
}

// kill ends the process as a power cut would look to it, paused or not.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return
	}
	if p.run.HasEnded() {
		p.falls++
	}
	p.run.Kill()
	p.run = nil
}

// pause stops the process where it is for a time; one that is down stays so.
func (p *process) pause(ctx context.Context, length time.Duration) error {
	p.mu.Lock()
	run := p.run
	p.mu.Unlock()
	if run == nil {
		return nil
	}
	if err := run.Pause(); err != nil {
		return err
	}
	wait(ctx, length)
	return run.Resume()
}

// await waits until the process says that it is ready.
func (p *process) await(ctx context.Context, web *http.Client) error {
	p.mu.Lock()
	run := p.run
	p.mu.Unlock()
	return run.Await(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.private+"/readyz", nil)
		if err != nil {
			return err
		}
		told, err := web.Do(request)
		if err != nil {
			return err
		}
		told.Body.Close()
		if told.StatusCode != http.StatusOK {
			return fmt.Errorf("%s is not ready: %s", p.name, told.Status)
		}
		return nil
	})
}

// wait waits for a time, or until ctx ends.
func wait(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
