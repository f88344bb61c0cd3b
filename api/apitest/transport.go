package apitest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// Transport sends requests and holds every exchange to a document.
type Transport struct {
	Base http.RoundTripper
	// Check is a Document's.
	Check func(*Exchange) error
	// Report gets every ErrExchange.
	Report func(error)
}

// RoundTrip sends a request.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	sent, shown := request.Clone(request.Context()), request.Clone(request.Context())
	if request.Body != nil && request.Body != http.NoBody {
		body, err := io.ReadAll(request.Body)
		_ = request.Body.Close()
		if err != nil {
			return nil, err
		}
		sent.Body, shown.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
	}
	response, err := t.Base.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	x := &Exchange{Request: shown, Status: response.StatusCode, Header: response.Header}
	if x.Streamed = strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream"); !x.Streamed {
		if x.Body, err = io.ReadAll(response.Body); err != nil {
			return nil, err
		}
		_ = response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(x.Body))
	}
	if err := t.Check(x); err != nil {
		t.Report(err)
	}
	return response, nil
}

// CloseIdleConnections closes the base's.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.Base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}
