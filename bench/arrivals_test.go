package bench

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// Everybody who arrives is answered or counted as unanswered, and who waits for a busy
// connection waits from the intended arrival on.
func TestArrivals(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var served, failed atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go sellFifty(conn, &served, &failed)
		}
	}()
	a := &arrivals{secret: bytes.Repeat([]byte("s"), 32), sale: "s", rate: 2000, over: 100 * time.Millisecond, connections: 4, drainMax: 10 * time.Second,
		target: func(context.Context) (string, error) { return listener.Addr().String(), nil }}
	got, err := a.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.requests != 200 || got.answered != 200 || got.unanswered != 0 || got.latency.TotalCount() != 200 || got.outcomes["reserved"] != 50 {
		t.Fatalf("%d requests, %d answered, %d unanswered, outcomes %v", got.requests, got.answered, got.unanswered, got.outcomes)
	}
	if last := a.at(199); got.took < last.Sub(a.started) {
		t.Fatalf("took %v, the last arrival was at %v", got.took, last.Sub(a.started))
	}
}

// Nobody is left uncounted when no server answers.
func TestArrivalsAtNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	a := &arrivals{secret: bytes.Repeat([]byte("s"), 32), sale: "s", rate: 1000, over: 50 * time.Millisecond, connections: 2, drainMax: time.Second,
		target: func(context.Context) (string, error) { return address, nil }}
	got, err := a.run(t.Context())
	if err != nil || got.answered != 0 || got.unanswered != 50 {
		t.Fatalf("%d answered, %d unanswered, %v", got.answered, got.unanswered, err)
	}
}

func TestCompareOptionsAreChecked(t *testing.T) {
	for _, change := range []func(*CompareOptions){
		func(o *CompareOptions) { o.Rounds = 0 }, func(o *CompareOptions) { o.Buyers = uint64(o.Tickets) }, func(o *CompareOptions) { o.Connections = 0 },
		func(o *CompareOptions) { o.Rates = []int{0} }, func(o *CompareOptions) { o.Steady = -1 },
	} {
		o := DefaultCompareOptions()
		change(&o)
		if err := o.Validate(); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	o := DefaultCompareOptions()
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
}
