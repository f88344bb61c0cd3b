package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Everybody who arrives is decided or counted as failed, and who waits for a busy
// connection waits from the intended arrival on.
func TestArrivals(t *testing.T) {
	address := sellFiftyAt(t)
	l := &load{LoadOptions: LoadOptions{Secret: bytes.Repeat([]byte("s"), 32), Sale: "s", Quantity: 1, Rate: 2000, Requests: 200,
		Connections: 4, Timeout: time.Minute, Addresses: []string{address}}, tolerant: true}
	m, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := newPhase()
	all.merge(m.phases[0])
	all.merge(m.phases[1])
	if all.latency.TotalCount() != 180 || sum(all.Failures) != 20 || all.Failures["503 overloaded"] != 20 || all.Outcomes["reserved"] != 50 || m.lag.TotalCount() != 200 {
		t.Fatalf("outcomes %v, failures %v, lag of %d", all.Outcomes, all.Failures, m.lag.TotalCount())
	}
	if last := l.at(200); m.elapsed[0]+m.elapsed[1] < last.Sub(l.started) || last != l.lastArrival() {
		t.Fatalf("took %v, the last arrival was at %v", m.elapsed, last.Sub(l.started))
	}
}

// Nobody is left uncounted when no server answers, in either loop.
func TestLoadOfNobody(t *testing.T) {
	address := nobodyAt(t)
	for _, rate := range []int{0, 1000} {
		l := &load{LoadOptions: LoadOptions{Secret: bytes.Repeat([]byte("s"), 32), Sale: "s", Rate: rate, Requests: 20, Connections: 2,
			Timeout: time.Minute},
			tolerant: true, target: func(context.Context) (string, error) { return address, nil }}
		m, err := l.run(t.Context())
		if err != nil || m.phases[0].latency.TotalCount() != 0 || m.phases[0].Failures["connection refused"] != 20 {
			t.Fatalf("rate %d: failures %v, %v", rate, m.phases[0].Failures, err)
		}
	}
}

// nobodyAt returns an address that refuses connections: its port is taken, so that nobody
// else listens there, and not listened on.
func nobodyAt(t *testing.T) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint("127.0.0.1:", bound.(*syscall.SockaddrInet4).Port)
}

// What is due in the warm-up is sent and not counted.
func TestWarmUp(t *testing.T) {
	l := &load{LoadOptions: LoadOptions{Secret: bytes.Repeat([]byte("s"), 32), Sale: "s", Rate: 1000, Requests: 200, Duration: time.Hour,
		WarmUp: 100 * time.Millisecond, Connections: 4, Timeout: time.Minute,
		Addresses: []string{sellFiftyAt(t)}}, tolerant: true}
	m, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if counted := uint64(m.phases[0].latency.TotalCount()+m.phases[1].latency.TotalCount()) + sum(m.phases[0].Failures) + sum(m.phases[1].Failures); counted != 100 {
		t.Fatalf("%d counted, %d warm", counted, m.warm)
	}
}

// A run is divided at the first refusal, its warm-up belongs to neither part.
func TestElapsed(t *testing.T) {
	for _, c := range []struct {
		warmUp, soldOut, end, selling, after time.Duration
	}{{0, 0, 10, 10, 0}, {0, 4, 10, 4, 6}, {2, 4, 10, 2, 6}, {4, 2, 10, 0, 6}, {20, 0, 10, 0, 0}, {20, 5, 10, 0, 0}} {
		l := &load{LoadOptions: LoadOptions{WarmUp: c.warmUp}}
		l.soldOut.Store(int64(c.soldOut))
		if got := l.elapsed(c.end); got != [2]time.Duration{c.selling, c.after} {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// A server that says something new each time cannot fill the memory.
func TestNamesAreBounded(t *testing.T) {
	names := map[string]uint64{}
	for i := range 1000 {
		count(names, fmt.Sprint("reason ", i))
	}
	if len(names) != namesMax+1 || names["other"] != 1000-namesMax {
		t.Errorf("%d names, %d others", len(names), names["other"])
	}
}

func TestCompareOptionsAreChecked(t *testing.T) {
	for _, change := range []func(*CompareOptions){
		func(o *CompareOptions) { o.Rounds = 0 }, func(o *CompareOptions) { o.Buyers = uint64(o.Tickets) },
		func(o *CompareOptions) { o.Connections = 0 }, func(o *CompareOptions) { o.Tickets = 0 },
	} {
		o := DefaultCompareOptions()
		change(&o)
		if _, err := Compare(t.Context(), o, nil); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if all, err := Compare(t.Context(), DefaultCompareOptions(), nil); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := Median(c.values); got != c.want {
			t.Errorf("median of %v is %v, wanted %v", c.values, got, c.want)
		}
	}
}

// Who is told when to come back, and is patient, does not come before.
func TestPatience(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"state":"reserved"}`)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	l := &load{LoadOptions: LoadOptions{Secret: bytes.Repeat([]byte("s"), 32), Sale: "s", Rate: 1000, Requests: 1, Connections: 1,
		RetryMax: time.Minute, Addresses: []string{listener.Addr().String()}}, tolerant: true, patient: true}
	m, err := l.run(t.Context())
	if p := m.all(); err != nil || p.Outcomes["reserved"] != 1 || p.Retries != 1 || p.latency.Min() < 1e6 {
		t.Errorf("%v, %v, %d retries, after %d µs", err, p.Outcomes, p.Retries, p.latency.Min())
	}
}
