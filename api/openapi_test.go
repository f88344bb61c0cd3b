package api

import (
	"bufio"
	"net/http"
	"strings"
	"sync"
	"testing"

	"onsale/api/conform"
)

// described is the description, read once: that takes a tenth of a second.
var described = sync.OnceValues(func() (*conform.Document, error) { return conform.Load(OpenAPI(), openAPIPath) })

func theDescription(t testing.TB) *conform.Document {
	t.Helper()
	d, err := described()
	must(t, err)
	return d
}

// conformingClient holds every exchange to the description.
func conformingClient(t testing.TB) *http.Client {
	return &http.Client{Transport: &conform.Transport{Document: theDescription(t), Base: &http.Transport{}, Report: func(err error) { t.Error(err) }}}
}

// conforms holds an answer to the description when its raw request is one.
func (a *answer) conforms(raw string) {
	a.t.Helper()
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return // no two would agree on what was asked
	}
	x := &conform.Exchange{Request: request, Status: a.status, Header: a.header, Body: a.body}
	if err := theDescription(a.t).Check(x); err != nil {
		a.t.Error(err)
	}
}
