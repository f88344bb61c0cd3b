package api

import "net/http"

// patternMux is a mux that knows its patterns, so that the description of the API
// can be held to them.
type patternMux struct {
	http.ServeMux
	patterns []string // in the order in which they were added
}

// Handle adds a route.
func (m *patternMux) Handle(pattern string, handler http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, handler)
}

// HandleFunc adds a route.
func (m *patternMux) HandleFunc(pattern string, handler http.HandlerFunc) { m.Handle(pattern, handler) }
