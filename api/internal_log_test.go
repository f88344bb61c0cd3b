package api

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// lines is a log that many may write to.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) has(words ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			return true
		}
	}
	return false
}

// What is answered as a bug is in the log, under the request's id and with what the
// caller is not told; on both listeners, for errors and for panics.
func TestInternalErrorsAreLogged(t *testing.T) {
	var log lines
	config := testConfig()
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	f := serveWith(t, config)
	f.sale("gig", nil)
	for _, broken := range []struct {
		change func(*testBackend)
		words  string
	}{
		{func(b *testBackend) { b.fail = errorText("disk on fire") }, "disk on fire"},
		{func(b *testBackend) { b.fail, b.panics = nil, true }, "panic: a bug"},
	} {
		f.backend.set(broken.change)
		for name, a := range map[string]*answer{"buyers": f.buy("ann", "?q=1"), "private": f.seller("POST", "/v1/sales/gig/pause", "")} {
			a.want(500, "internal")
			if id := a.header.Get("X-Request-Id"); id == "" || !log.has("internal error", "request="+id, broken.words) {
				t.Errorf("%s: request %q with %q is not in\n%s", name, id, broken.words, &log.text)
			}
		}
	}
}
