package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// WriteMax is how long a line may take before it counts as not written.
	WriteMax = 2 * time.Second
	// RefusalsPerSecond bounds the lines about refused attempts, RefusalsBurst those at once.
	RefusalsPerSecond = 10
	RefusalsBurst     = 10
)

// ErrNotWritten is returned when a line could not be written.
var ErrNotWritten = errors.New("the audit log cannot be written")

// errSlow is why, when a line took longer than WriteMax.
var errSlow = errors.New("writing takes too long")

// Config says where the lines go.
type Config struct {
	// Path is the file, made with mode 0600; "" for Out.
	Path string
	Out  io.Writer
	// Node is the process' id.
	Node   string
	Clock  func() time.Time
	Logger *slog.Logger // gets what could not be written
}

// Log writes lines. Its methods may be called by any goroutine.
type Log struct {
	config   Config
	turn     chan struct{} // of one: who writes
	out      io.Writer     // under the turn; nil while the file is to be opened
	file     *os.File      // the same, when it is a file
	torn     bool          // under the turn: the newest line may be there by half
	refusals *rate.Limiter

	mu      sync.Mutex
	since   *time.Time // when lines began to fail; nil while they do not
	why     string
	leftOut uint64 // refused attempts since the line before

	written, failed, refusalsLeftOut atomic.Uint64
}

// Open returns a log. That its file cannot be written is an error at once.
func Open(config Config) (*Log, error) {
	l := &Log{config: config, turn: make(chan struct{}, 1), refusals: rate.NewLimiter(RefusalsPerSecond, RefusalsBurst)}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

// open makes the file ready; whoever calls it has the turn, or the log alone.
func (l *Log) open() error {
	if l.config.Path == "" {
		l.out = l.config.Out
		return nil
	}
	f, err := os.OpenFile(l.config.Path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	l.out, l.file = f, f
	l.torn = endsTorn(f)
	return nil
}

// endsTorn reports whether a file's last line has no break: who wrote it died.
func endsTorn(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// Write writes a line and returns when it is on the disk, or ErrNotWritten.
func (l *Log) Write(e Entry) error {
	return l.do(l.complete(e), l.put)
}

// Refused writes a line about an attempt that was refused; of many at once some are left out,
// and counted in the next line. That it cannot be written is told by Trouble.
func (l *Log) Refused(e Entry) {
	if !l.refusals.AllowN(l.config.Clock(), 1) {
		l.refusalsLeftOut.Add(1)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.leftOut++
		return
	}
	l.mu.Lock()
	e.LeftOut, l.leftOut = l.leftOut, 0
	l.mu.Unlock()
	_ = l.Write(e)
}

// Reopen opens the file anew, because another program has moved it away.
func (l *Log) Reopen() error {
	return l.do(nil, func([]byte) error {
		l.forget()
		return l.open()
	})
}

// Close ends the log: nothing is written any more.
func (l *Log) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), WriteMax)
	defer cancel()
	select {
	case l.turn <- struct{}{}: // and never given back
		l.forget()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotWritten, errSlow)
	}
}

// Trouble says since when lines cannot be written, and why; nil while they can.
func (l *Log) Trouble() (since *time.Time, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since, l.why
}

func (l *Log) complete(e Entry) []byte {
	e.Log, e.Time, e.Node = "audit", l.config.Clock().UTC(), l.config.Node
	if e.Roles == nil {
		e.Roles = []string{}
	}
	return e.line()
}

// do lets one step at a time work on the file, for WriteMax with the wait for its turn. One
// that takes longer goes on, and the steps behind it fail until it has ended: there is never
// more than one goroutine that hangs.
func (l *Log) do(line []byte, step func([]byte) error) error {
	limit := time.NewTimer(WriteMax)
	defer limit.Stop()
	select {
	case l.turn <- struct{}{}:
	case <-limit.C:
		return l.fail(line, errSlow)
	}
	done := make(chan error, 1)
	go func() {
		err := step(line)
		l.note(err)
		<-l.turn
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return l.fail(line, err)
		}
		return nil
	case <-limit.C:
		return l.fail(line, errSlow)
	}
}

// put writes a line and syncs it.
func (l *Log) put(line []byte) error {
	if l.out == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	l.torn = true // until it is whole
	_, err := l.out.Write(line)
	if err == nil && l.file != nil {
		err = l.sync()
	}
	if err != nil {
		l.forget()
		return fmt.Errorf("audit log: %w", err)
	}
	l.torn = false
	l.written.Add(1)
	return nil
}

// sync brings a line to the disk; what is no plain file, such as a pipe, has none.
func (l *Log) sync() error {
	info, err := l.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return l.file.Sync()
}

// forget closes the file; the next line opens it anew.
func (l *Log) forget() {
	if l.file != nil {
		_ = l.file.Close() // what was not synced was told as not written
	}
	l.out, l.file = nil, nil
}

// note takes how a step ended.
func (l *Log) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && l.since != nil:
		l.config.Logger.Info("the audit log is written again", "failed_since", *l.since)
		l.since, l.why = nil, ""
	case err != nil:
		if l.since == nil {
			now := l.config.Clock()
			l.since = &now
		}
		l.why = err.Error()
	}
}

// fail tells that a step did not end well, and what the line would have said.
func (l *Log) fail(line []byte, err error) error {
	l.failed.Add(1)
	if errors.Is(err, errSlow) {
		l.note(err)
	}
	l.config.Logger.Error("the audit log cannot be written", "error", err, "line", string(line))
	return fmt.Errorf("%w: %w", ErrNotWritten, err)
}
