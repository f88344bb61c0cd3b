package api

import (
	"fmt"
	"net/http"
	"strings"
)

// livez says that the process answers: restart it when it does not.
func (p *Private) livez(w http.ResponseWriter, req *http.Request) {
	writeChecks(w, req, "livez", []Check{{Name: "http"}})
}

// readyz says whether to send requests here.
func (p *Private) readyz(w http.ResponseWriter, req *http.Request) {
	writeChecks(w, req, "readyz", p.operations.Checks())
}

// writeChecks answers 200 and "ok", or 503 and every check; with ?verbose every check
// either way. A check is a line, in the order in which they are given:
//
//	[+]NAME ok
//	[!]NAME warning: WHY
//	[-]NAME failed: WHY
func writeChecks(w http.ResponseWriter, req *http.Request, name string, checks []Check) {
	failed := 0
	var lines strings.Builder
	for _, check := range checks {
		switch {
		case check.Fails():
			failed++
			fmt.Fprintf(&lines, "[-]%s failed: %s\n", check.Name, oneLine(check.Err))
		case check.Err != nil:
			fmt.Fprintf(&lines, "[!]%s warning: %s\n", check.Name, oneLine(check.Err))
		default:
			fmt.Fprintf(&lines, "[+]%s ok\n", check.Name)
		}
	}
	headers := w.Header()
	headers.Set("Content-Type", "text/plain; charset=utf-8")
	headers.Set("Cache-Control", "no-store")
	headers.Set("X-Content-Type-Options", "nosniff")
	_, verbose := req.URL.Query()["verbose"]
	switch {
	case failed > 0:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "%s%s check failed\n", lines.String(), name)
	case verbose:
		fmt.Fprintf(w, "%s%s check passed\n", lines.String(), name)
	default:
		fmt.Fprint(w, "ok")
	}
}

// oneLine keeps an error of several lines from looking like several checks.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
