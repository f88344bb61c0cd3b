package api

import (
	"bufio"
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"time"

	"onsale/api/apitest"
	"onsale/proof/testenv"
)

// idleBytesMax bounds the memory of an idle connection, its goroutine's stack included.
// Under TLS the standard library keeps what its handshake needed: a buffer for what comes,
// one for the client's hello, and the ciphers.
const (
	idleBytesMax    = 8 << 10
	idleTLSBytesMax = 12 << 10
)

// What a connection that has had an answer costs the process while it waits for its next
// request: heap and stacks after collections, with and without so many. The clients' ends
// are bare files, which cost Go next to nothing; what the kernel takes for the sockets is
// not in it.
func TestIdleConnectionIsSmall(t *testing.T) {
	testenv.TakesLong(t, "what served must have left, twice")
	for name, c := range map[string]struct {
		secure bool
		most   int
	}{"plain": {false, idleBytesMax}, "TLS": {true, idleTLSBytesMax}} {
		if raceEnabled {
			c.most *= 2 // the race detector's own bookkeeping is among it
		}
		t.Run(name, func(t *testing.T) {
			if each := idleBytes(t, c.secure); each > c.most {
				t.Errorf("an idle connection costs %d bytes, allowed are %d", each, c.most)
			}
		})
	}
}

// idleBytes returns what one of many connections costs.
func idleBytes(t *testing.T, secure bool) int {
	const count = 300
	verifier := apitest.Verifier(t)
	config := testConfig()
	config.ReadTimeout, config.IdleTimeout = time.Minute, time.Minute
	public, err := NewPublic(config, OneCluster(0, newTestBackend(time.Now)), verifier, NewMetrics(verifier))
	must(t, err)
	f := &fixture{t: t, client: conformingClient(t)}
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	var served server = public
	if secure {
		served = tlsServer{public, &tls.Config{Certificates: certified.TLS.Certificates}}
	}
	address := f.start(served)

	enter := func() *os.File { return enterIdle(t, address, secure) }
	for range 16 { // what is made once
		enter().Close()
	}
	waits := func(count, goroutines int) {
		testenv.Eventually(t, time.Minute, "nothing but waiting", func() bool {
			return public.conns.Open() == count && public.conns.Parked() == count && runtime.NumGoroutine() <= goroutines
		})
	}
	waits(0, math.MaxInt)
	time.Sleep(2 * idleWorkerTime) // who served has left
	empty := runtime.NumGoroutine()
	before := settledBytes()
	files := make([]*os.File, count)
	for i := range files {
		files[i] = enter()
		defer files[i].Close()
	}
	waits(count, empty+count)
	after := settledBytes()
	t.Logf("heap %d, stacks %d", (after[0]-before[0])/count, (after[1]-before[1])/count)
	return (after[0] + after[1] - before[0] - before[1]) / count
}

func enterIdle(t *testing.T, address string, secure bool) *os.File {
	t.Helper()
	raw, err := net.Dial("tcp", address)
	must(t, err)
	defer raw.Close()
	conn := raw
	if secure {
		shaken := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
		must(t, shaken.Handshake())
		conn = shaken
	}
	_, err = io.WriteString(conn, readSales)
	must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	must(t, err)
	file, err := raw.(*net.TCPConn).File()
	must(t, err)
	return file
}

// settledBytes is what is in use when nothing is under way: collections shrink stacks, and
// empty pools.
func settledBytes() [2]int {
	var m runtime.MemStats
	for range 6 {
		time.Sleep(50 * time.Millisecond)
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return [2]int{int(m.HeapAlloc), int(m.StackInuse)}
}
