//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Built says whether this program has failpoints.
const Built = true

// plan is what the file says.
type plan struct {
	text, action string
	name         Name
	left         atomic.Int64  // hits
	delay        time.Duration // of every hit
	hang         time.Duration // of the one hit
}

var (
	armed atomic.Pointer[plan]
	start sync.Once
)

// Hit is where a process may die or hang.
func Hit(name Name) { _ = Err(name) }

// Err is where an operation may also fail.
func Err(name Name) error {
	start.Do(func() {
		if path := os.Getenv(Variable); path != "" {
			read(path)
			go follow(path)
		}
	})
	p := armed.Load()
	if p == nil || p.name != name {
		return nil
	}
	if p.delay > 0 {
		time.Sleep(p.delay)
		return nil
	}
	if p.left.Add(-1) != 0 {
		return nil
	}
	fmt.Fprintf(os.Stderr, "failpoint %s: %s\n", name, p.action)
	os.Remove(os.Getenv(Variable))
	switch p.action {
	case "crash":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing may happen any more
	case "stall":
		select {}
	case "hang":
		time.Sleep(p.hang)
		return nil
	}
	return fmt.Errorf("%s: %w", name, ErrInjected)
}

// follow reads the file again and again, while the process lives.
func follow(path string) {
	for {
		time.Sleep(ReadInterval)
		read(path)
	}
}

func read(path string) {
	content, err := os.ReadFile(path)
	text := strings.TrimSpace(string(content))
	if before := armed.Load(); err != nil || text == "" || before != nil && before.text == text {
		if err != nil {
			armed.Store(nil)
		}
		return
	}
	p, err := parse(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "failpoint:", err)
		return
	}
	armed.Store(p)
}

// parse reads "name=action", "name=action:n", "name=delay:duration" and "name=hang:duration".
func parse(text string) (*plan, error) {
	name, what, _ := strings.Cut(text, "=")
	action, argument, given := strings.Cut(what, ":")
	p := &plan{text: text, action: action, name: Name(name)}
	p.left.Store(1)
	switch {
	case !slices.Contains(slices.Concat(Names(), ExporterNames(), WebhookNames(), ArchiverNames()), p.name):
		return nil, fmt.Errorf("%q is no failpoint with an action", text)
	case action == "delay":
		return p, p.parseTime(argument, &p.delay, DelayMax)
	case action == "hang":
		return p, p.parseTime(argument, &p.hang, HangMax)
	case action != "crash" && action != "stall" && action != "error":
		return nil, fmt.Errorf("%q is no failpoint with an action", text)
	case given:
		return p, p.parseHits(argument)
	}
	return p, nil
}

func (p *plan) parseTime(argument string, into *time.Duration, most time.Duration) (err error) {
	if *into, err = time.ParseDuration(argument); err != nil || *into <= 0 || *into > most {
		return fmt.Errorf("%q has no time above 0 and up to %v", p.text, most)
	}
	return nil
}

func (p *plan) parseHits(argument string) error {
	n, err := strconv.ParseInt(argument, 10, 64)
	if err != nil || n < 1 {
		return fmt.Errorf("%q has no number of hits", p.text)
	}
	p.left.Store(n)
	return nil
}
