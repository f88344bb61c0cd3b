// Package blobtest is a server of S3 in the process of a test, which can be told to misbehave as
// stores and networks do.
package blobtest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket is the bucket that a server has.
const Bucket = "arena"

// Fault is what a server does to a request.
type Fault int

const (
	// None answers as S3 does.
	None Fault = iota
	// Unavailable answers 503 and does nothing.
	Unavailable
	// LosesAnswer does what is asked, and closes the connection instead of answering.
	LosesAnswer
	// TearsUpload keeps the first half of what is put, and says that all is well.
	TearsUpload
	// ForgetsUpload keeps nothing of what is put, and says that all is well.
	ForgetsUpload
	// TearsDownload closes the connection in the middle of an object.
	TearsDownload
	// WrongClock refuses because of the time that the request says.
	WrongClock
	// Overwrites puts although there is an object, whatever it is told.
	Overwrites
)

// Server is a server of S3. Its faults may be changed at any time.
type Server struct {
	s3 http.Handler

	mu    sync.Mutex
	fault func(r *http.Request) Fault
}

// NewServer starts a server and points the test's environment to it; the test's end stops it. Its clock
// is a year off: nothing must depend on it.
func NewServer(t testing.TB) *Server {
	t.Helper()
	backend := s3mem.New(s3mem.WithTimeSource(gofakes3.FixedTimeSource(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC))))
	if err := backend.CreateBucket(Bucket); err != nil {
		t.Fatal(err)
	}
	s := &Server{s3: gofakes3.New(backend, gofakes3.WithTimeSkewLimit(0)).Server(), fault: func(*http.Request) Fault { return None }}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	if set, ok := t.(interface{ Setenv(key, value string) }); ok {
		for key, value := range map[string]string{"AWS_ENDPOINT_URL": listening.URL, "AWS_ENDPOINT_URL_S3": "", "AWS_REGION": "us-east-1",
			"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_SESSION_TOKEN": ""} {
			set.Setenv(key, value)
		}
	}
	return s
}

// Fail lets fn say what happens to each request from now on.
func (s *Server) Fail(fn func(r *http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fn
}

// of returns what is to happen to a request.
func (s *Server) of(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault(r)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := s.of(r)
	switch fault {
	case Unavailable:
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return
	case WrongClock:
		refuse(w, http.StatusForbidden, "RequestTimeTooSkewed")
		return
	case ForgetsUpload:
		_, _ = io.Copy(io.Discard, r.Body) // it is forgotten
		w.Header().Set("ETag", `"00"`)
		return
	case Overwrites:
		r.Header.Del("If-None-Match")
	case TearsUpload:
		tear(r)
	}
	answer := httptest.NewRecorder()
	s.s3.ServeHTTP(answer, r)
	s.give(w, answer, fault)
}

// give passes an answer on, or not all of it.
func (s *Server) give(w http.ResponseWriter, answer *httptest.ResponseRecorder, fault Fault) {
	if fault == LosesAnswer {
		panic(http.ErrAbortHandler)
	}
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	body := answer.Body.Bytes()
	if fault == TearsDownload {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body) // the client may have gone
	if fault == TearsDownload {
		panic(http.ErrAbortHandler)
	}
}

// tear keeps the first half of what is put. What a client signs in chunks is taken apart first.
func tear(r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.Header.Get("X-Amz-Content-Sha256") == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" {
		data = unchunk(data)
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		r.Header.Del("X-Amz-Decoded-Content-Length")
		r.Header.Del("Content-Encoding")
	}
	data = data[:len(data)/2]
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	r.Header.Set("Content-Length", strconv.Itoa(len(data)))
	r.Header.Del("Content-Md5")
}

// unchunk returns the content of chunks that are signed each.
func unchunk(data []byte) (content []byte) {
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\r\n"))
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseUint(string(digits), 16, 32)
		if err != nil || size == 0 || uint64(len(rest)) < size+2 {
			return content
		}
		content, data = append(content, rest[:size]...), rest[size+2:]
	}
	return content
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>`+code+`</Code><Message>no</Message></Error>`) // the client may have gone
}
