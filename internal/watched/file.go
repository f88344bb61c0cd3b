// Package watched keeps what is in force in step with files that change while a process runs:
// secrets, keys, lists. A file that does not do is logged once, counted and told by Trouble, and
// changes nothing: what was read before stays in force.
//
// The content is compared, not the time of the change, so that no replacement is missed. Trade-offs:
// a file is read whole every Interval, so that it must be small; one that is written in place may be
// read by half, so that it is to be replaced by a rename (mv).
package watched

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Interval is how often a file is looked at.
const Interval = time.Second

// BytesMax bounds a file: 64 RSA keys with their certificates, or 20,000 lines.
const BytesMax = 1 << 20

// Config says what is watched.
type Config struct {
	// Name is the setting's that names the file, for people.
	Name string
	Path string
	// Read returns the file's content, which the File keeps; nil takes the default, Read.
	Read func(path string) ([]byte, error)
	// Take puts a content in force and says what is, for people; or says what is wrong with it
	// and changes nothing. Calls come one after the other.
	Take func(content []byte) (now map[string]any, err error)
	// Told is called after a change: of the content that is in force, or of why it does not
	// load. nil for nobody.
	Told   func(name string, now map[string]any, err error)
	Clock  func() time.Time
	Logger *slog.Logger
}

// File is one file that is watched. Its methods may be called by any goroutine.
type File struct {
	config         Config
	taken, refused atomic.Uint64

	mu      sync.Mutex // one look at a time
	path    string
	content []byte // what was read last, good or bad
	refusal error  // why it was not taken
	told    string // the error that was told last

	troubleMu sync.Mutex
	since     *time.Time // when the file began not to load; nil while it does
	why       string
}

// Open reads a file and takes its content; that it does not do is an error at once.
func Open(config Config) (*File, error) {
	if config.Read == nil {
		config.Read = Read
	}
	f := &File{config: config, path: config.Path}
	content, err := config.Read(f.path)
	if err != nil {
		return nil, err
	}
	_, err = f.take(content)
	return f, err
}

// Read returns a file's content, BytesMax at most.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(f, BytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(content) > BytesMax {
		return nil, fmt.Errorf("%s has more than %d bytes", path, BytesMax)
	}
	return content, nil
}

// Look takes the file's content when it changed; the error is why it does not load.
func (f *File) Look() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.look()
}

// Move watches another path from now on, when its content does; an error changes nothing.
func (f *File) Move(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if path == f.path {
		return f.look()
	}
	content, err := f.config.Read(path)
	if err != nil {
		return err
	}
	before := f.path
	f.path = path
	now, err := f.take(content)
	if err != nil {
		f.path = before
		return err
	}
	f.tell(now, nil)
	return nil
}

// look is Look for who holds the lock.
func (f *File) look() error {
	content, err := f.config.Read(f.path)
	if err == nil && bytes.Equal(content, f.content) {
		err = f.refusal
		if err == nil {
			f.note(nil)
			f.told = ""
		}
		return err
	}
	var now map[string]any
	if err == nil {
		now, err = f.take(content)
	}
	if err == nil || err.Error() != f.told {
		f.tell(now, err)
	}
	return err
}

// take puts a content in force.
func (f *File) take(content []byte) (now map[string]any, err error) {
	now, err = f.config.Take(content)
	if err != nil {
		err = fmt.Errorf("%s: %w", f.path, err)
		f.refused.Add(1)
	} else {
		f.taken.Add(1)
	}
	f.content, f.refusal = content, err
	return now, err
}

// tell says that the file was taken, or why it was not.
func (f *File) tell(now map[string]any, err error) {
	f.note(err)
	if err != nil {
		f.told = err.Error()
		f.config.Logger.Error("a changed file does not load; what was read before stays in force",
			"setting", f.config.Name, "file", f.path, "error", err)
	} else {
		f.told = ""
		f.config.Logger.Info("a file was read again", "setting", f.config.Name, "file", f.path, "now", now)
	}
	if f.config.Told != nil {
		f.config.Told(f.config.Name, now, err)
	}
}

// note takes whether the file loads.
func (f *File) note(err error) {
	f.troubleMu.Lock()
	defer f.troubleMu.Unlock()
	switch {
	case err == nil:
		f.since, f.why = nil, ""
		return
	case f.since == nil:
		now := f.config.Clock()
		f.since = &now
	}
	f.why = err.Error()
}

// Name returns the name of the setting.
func (f *File) Name() string { return f.config.Name }

// Trouble says since when the file does not load, and why; nil while it does.
func (f *File) Trouble() (since *time.Time, why string) {
	f.troubleMu.Lock()
	defer f.troubleMu.Unlock()
	return f.since, f.why
}

// Stats returns how often a content was taken, the first time included, and how often one was
// refused.
func (f *File) Stats() (taken, refused uint64) { return f.taken.Load(), f.refused.Load() }
