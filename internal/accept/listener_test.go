package accept

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"onsale/proof/testenv"
)

// scripted is a listener that fails as it is told.
type scripted struct {
	net.Listener
	failures []error
}

func (s *scripted) Accept() (net.Conn, error) {
	if len(s.failures) == 0 {
		here, there := net.Pipe()
		_ = there.Close()
		return here, nil
	}
	err := s.failures[0]
	s.failures = s.failures[1:]
	return nil, err
}

func (s *scripted) Close() error { return nil }

func acceptError(err error) error {
	return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
}

// Without files or memory a listener waits and goes on, logs it once a second, and ends
// for everything else.
func TestListenerGoesOn(t *testing.T) { synctest.Test(t, testListenerGoesOn) }

func testListenerGoesOn(t *testing.T) {
	var failures []error
	for range 20 {
		failures = append(failures, acceptError(syscall.EMFILE), acceptError(syscall.ENFILE), acceptError(syscall.ECONNABORTED),
			acceptError(syscall.ENOMEM), acceptError(syscall.ENOBUFS))
	}
	var log bytes.Buffer
	var failed atomic.Uint64
	inner := &scripted{failures: failures}
	l := Patient(inner, "peers", slog.New(slog.NewTextHandler(&log, nil)), &failed)
	began := time.Now()
	conn, err := l.Accept()
	if err != nil || failed.Load() != 100 {
		t.Fatalf("%v after %d failures", err, failed.Load())
	}
	conn.Close()
	took, lines := time.Since(began), strings.Count(log.String(), "listener=peers")
	if took > 100*pauseMax || lines < 2 || lines > int(took/logInterval)+1 {
		t.Errorf("%d lines in %v:\n%s", lines, took, log.String())
	}

	inner.failures = []error{acceptError(syscall.EINVAL)}
	if _, err := l.Accept(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a broken listener: %v", err)
	}
}

// A listener that waits for files ends at once when it is closed.
func TestCloseEndsThePause(t *testing.T) { synctest.Test(t, testCloseEndsThePause) }

func testCloseEndsThePause(t *testing.T) {
	inner := &scripted{}
	for range 1000 {
		inner.failures = append(inner.failures, acceptError(syscall.EMFILE))
	}
	l := Patient(inner, "peers", slog.New(slog.DiscardHandler), new(atomic.Uint64))
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	time.Sleep(time.Second)
	_ = l.Close()
	_ = l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// A server with a room: strangers who hold connections take no place from who asks, one
// who proves himself keeps his, and a request under way is answered.
func TestGuardedServer(t *testing.T) {
	room := NewRoom(Config{Max: 8, StrangersMax: 6, KeepTime: time.Hour})
	release, held := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/prove":
			Prove(r.Context(), time.Now())
		case "/hold":
			close(held)
			<-release
		}
	})}
	room.Guard(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(room.Bound(Patient(listener, "test", slog.New(slog.DiscardHandler), new(atomic.Uint64))))
	}()

	known, slow := new(http.Transport), new(http.Transport)
	get := func(via *http.Transport, path string) error {
		response, err := (&http.Client{Transport: via, Timeout: time.Minute}).Get("http://" + listener.Addr().String() + path)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		return err
	}
	if err := get(known, "/prove"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() { answered <- get(slow, "/hold") }()
	<-held
	for range 40 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	testenv.Eventually(t, time.Minute, "all strangers", func() bool { return room.Stats().Evicted[EvictedStranger] == 35 })
	if err := get(new(http.Transport), "/"); err != nil {
		t.Errorf("who asks among strangers: %v", err)
	}
	if err := get(known, "/"); err != nil || room.Stats().Strangers != 6 || room.Stats().Open != 7 {
		t.Errorf("who proved himself: %v, %+v", err, room.Stats())
	}
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("who was in a request: %v", err)
	}
	known.CloseIdleConnections()
	_ = server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	testenv.Eventually(t, time.Minute, "nobody inside", func() bool { return room.Stats().Open == 0 })
}
