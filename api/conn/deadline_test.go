package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// pair returns both ends of a connection, the first as a table has it.
func pair(t *testing.T) (plainConn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	other, err := net.Dial("tcp", listener.Addr().String())
	must(t, err)
	conn, err := listener.Accept()
	must(t, err)
	return inTable(t, conn, other), other
}

// pipe returns the same in memory, where a bubble's time holds.
func pipe(t *testing.T) (plainConn, net.Conn) {
	conn, other := net.Pipe()
	return inTable(t, conn, other), other
}

func inTable(t *testing.T, conn, other net.Conn) plainConn {
	t.Cleanup(func() { conn.Close(); other.Close() })
	return plainConn{&Conn{Conn: conn, table: NewTable(Config{})}}
}

// A deadline that was moved on does not strike where it was, for reads and for writes
// that were begun before it or come after it.
func TestDeadlineMovesOn(t *testing.T) { synctest.Test(t, testDeadlineMovesOn) }

func testDeadlineMovesOn(t *testing.T) {
	c, other := pipe(t)
	soon, later := time.Now().Add(5*time.Millisecond), time.Now().Add(time.Hour)
	must(t, c.SetDeadline(soon))
	must(t, c.SetDeadline(later))
	if c.reading.armed != soon || c.writing.armed != soon {
		t.Fatal("the timers were moved")
	}

	const bytes = 1 << 20
	go func() {
		time.Sleep(20 * time.Millisecond)
		_, _ = other.Write([]byte("x"))
		time.Sleep(20 * time.Millisecond)
		_, _ = io.CopyN(io.Discard, other, bytes)
	}()
	if n, err := c.Read(make([]byte, 8)); n != 1 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	if n, err := c.Write(make([]byte, bytes)); n != bytes || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}

	must(t, c.SetDeadline(time.Time{}))
	if !c.reading.armed.IsZero() || !c.writing.armed.IsZero() {
		t.Fatal("no deadline, and timers are set")
	}
}

// A deadline strikes where it was moved to, wherever the timer was before.
func TestDeadlineStrikes(t *testing.T) { synctest.Test(t, testDeadlineStrikes) }

func testDeadlineStrikes(t *testing.T) {
	for _, before := range []time.Duration{time.Hour, time.Millisecond} {
		c, _ := pipe(t)
		now := time.Now()
		must(t, c.SetDeadline(now.Add(before)))
		must(t, c.SetDeadline(now.Add(10*time.Millisecond)))
		if _, err := c.Read(make([]byte, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("read: %v", err)
		}
		if _, err := c.Write(make([]byte, 16<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("write: %v", err)
		}
		if took := time.Since(now); took != 10*time.Millisecond {
			t.Fatalf("it struck after %v", took)
		}
		if got := c.table.timeouts[timeoutRead].Load() + c.table.timeouts[timeoutWrite].Load(); got != 2 {
			t.Fatalf("%d late reads and writes were counted", got)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
