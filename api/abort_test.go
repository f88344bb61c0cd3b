package api

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// What a handler aborts after it has begun to answer reaches its caller as a broken connection:
// the end of a half backup looked like that of a whole one, with a problem's JSON behind it, and
// the log told of a bug.
func TestAbortedAnswerIsBroken(t *testing.T) {
	f := serve(t)
	var log strings.Builder
	config := testConfig()
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	private, err := NewPrivate(config, nil, func() uint8 { return 0 }, f.tokens, NewMetrics(f.tokens), Operations{
		Metrics: prometheus.NewRegistry(),
		Streams: map[string]func(http.ResponseWriter, *http.Request) error{
			"GET /v1/half": func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = io.WriteString(w, "the first half")
				panic(http.ErrAbortHandler)
			},
		},
	})
	must(t, err)
	address := f.start(private)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/v1/half", nil)
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+f.token("@operator"))
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		defer response.Body.Close()
		var body []byte
		if body, err = io.ReadAll(response.Body); err == nil {
			t.Errorf("a whole answer %d: %s", response.StatusCode, body)
		}
	}
	must(t, private.Shutdown(t.Context())) // nobody logs any more
	if strings.Contains(log.String(), "panic") {
		t.Errorf("the log tells of a bug: %s", log.String())
	}
}
