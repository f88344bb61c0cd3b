//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
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
	left         atomic.Int64 // hits
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
	if p == nil || p.name != name || p.left.Add(-1) != 0 {
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

// parse reads "name=action" and "name=action:n".
func parse(text string) (*plan, error) {
	name, what, found := strings.Cut(text, "=")
	action, times, counted := strings.Cut(what, ":")
	p := &plan{text: text, action: action, name: Name(name)}
	p.left.Store(1)
	if counted {
		n, err := strconv.ParseInt(times, 10, 64)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q has no number of hits", text)
		}
		p.left.Store(n)
	}
	known := false
	for _, n := range Names() {
		known = known || n == p.name
	}
	if !found || !known || action != "crash" && action != "stall" && action != "error" {
		return nil, fmt.Errorf("%q is no failpoint with an action", text)
	}
	return p, nil
}
