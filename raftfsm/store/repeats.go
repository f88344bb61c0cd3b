package store

import (
	"fmt"
	"sync"
	"time"
)

const (
	// repeatInterval is how often a line that repeats is told: a member that is down for a
	// night leaves some hundred lines.
	repeatInterval = time.Minute
	// repeatsMax bounds the lines that are remembered; more are told each.
	repeatsMax = 1 << 10
)

// repeats remembers which lines were told lately. All methods are safe for concurrent use.
type repeats struct {
	mu    sync.Mutex
	lines map[string]repeat
}

// repeat is a line that was told.
type repeat struct {
	told    time.Time
	leftOut int // since then
}

// tell reports whether a line is told now, and how many were left out before it.
func (r *repeats) tell(key string) (leftOut int, tell bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	line, known := r.lines[key]
	switch {
	case known && now.Sub(line.told) < repeatInterval:
		line.leftOut++
		r.lines[key] = line
		return 0, false
	case !known && len(r.lines) >= repeatsMax:
		r.forget(now)
		if len(r.lines) >= repeatsMax {
			return 0, true
		}
	}
	if r.lines == nil {
		r.lines = map[string]repeat{}
	}
	r.lines[key] = repeat{told: now}
	return line.leftOut, true
}

// forget drops the lines that may be told again.
func (r *repeats) forget(now time.Time) {
	for key, line := range r.lines {
		if now.Sub(line.told) >= repeatInterval {
			delete(r.lines, key)
		}
	}
}

// keyOf returns what makes two lines the same: what is said, and of which node. Times,
// counts and the texts of errors differ from one to the next.
func keyOf(message string, args []any) string {
	for i := 0; i+1 < len(args); i += 2 {
		switch args[i] {
		case "peer", "server-id", "target", "from", "candidate":
			return fmt.Sprint(message, " ", args[i+1])
		}
	}
	return message
}
