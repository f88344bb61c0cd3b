package stream

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"onsale/sequencer"
)

// An older view of a sale never takes a newer one's place.
func TestNewestEvent(t *testing.T) {
	s, c := new(Hub), new(topic)
	view := func(seq uint64, available uint32) *sequencer.SaleView {
		return &sequencer.SaleView{SaleSpec: sequencer.SaleSpec{ID: "gig", Quantity: 10}, Available: available, AsOfSeq: seq}
	}
	version, event := s.newest(c, view(7, 5), 0)
	if other, same := s.newest(c, view(6, 6), 0); other != version || &same[0] != &event[0] {
		t.Errorf("%s took the place of %s", same, event)
	}
	if other, same := s.newest(c, view(9, 5), 0); other != version || &same[0] != &event[0] {
		t.Error("encoded again without a change")
	}
	if other, _ := s.newest(c, view(10, 4), 0); other == version || s.encoded.Load() != 2 {
		t.Error("a change was not told")
	}
}

// Who joins does not wait until everybody has been written to.
func TestJoinWhileServing(t *testing.T) {
	var c topic
	c.serving.Lock() // as serve has it
	c.add(new(Subscriber))
	if c.size() != 1 {
		t.Error("did not join")
	}
	c.serving.Unlock()
	if c.serve(nil, time.Now()); len(c.subscribers) != 1 || len(c.joined) != 0 {
		t.Errorf("%d subscribers, %d joined", len(c.subscribers), len(c.joined))
	}
}

// A listener that reads nothing is never waited for, hears whole events when it reads
// again, the newest at last, and is let go when it stays stuck.
func TestSlowListener(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer server.Close()
	reader, err := net.Dial("tcp", server.Addr().String())
	must(t, err)
	defer reader.Close()
	must(t, reader.(*net.TCPConn).SetReadBuffer(4096))
	conn, err := server.Accept()
	must(t, err)
	must(t, conn.(*net.TCPConn).SetWriteBuffer(4096))

	var c topic
	c.add(newSubscriber(conn, ""))
	event := func(n uint64) []byte {
		return appendEvent(nil, "sale", FormatID(n), fmt.Appendf(nil, `"%d %s"`, n, strings.Repeat("x", 3000)))
	}
	now, last := time.Now(), uint64(1000)
	for n := uint64(1); n <= last; n++ {
		c.publish(n, n, event(n))
		if left := c.serve(nil, now); len(left) != 0 {
			t.Fatalf("let go at event %d", n)
		}
	}
	if c.subscribers[0].stuck.IsZero() {
		t.Fatal("the socket took everything: nothing was tested")
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				c.serve(nil, now)
			}
		}
	}()
	must(t, reader.SetReadDeadline(time.Now().Add(time.Minute)))
	slow := &eventReader{lines: bufio.NewScanner(reader)}
	heard := 0
	for id := ""; id != FormatID(last); heard++ {
		e, more := slow.next()
		if !more || len(e.data) < 3000 || !strings.HasSuffix(e.data, `x"`) || e.name != "sale" {
			t.Fatalf("a torn event after %d: %.60q", heard, e)
		}
		id = e.id
	}
	if heard >= int(last) {
		t.Error("nothing was left out")
	}
}

// Who reads nothing for too long is let go.
func TestStuckListener(t *testing.T) {
	one, other := net.Pipe()
	defer other.Close()
	one.Close() // every write fails
	var c topic
	c.add(newSubscriber(one, ""))
	c.publish(1, 1, []byte("event"))
	if left := c.serve(nil, time.Now()); len(left) != 1 || c.size() != 0 {
		t.Errorf("%d left", len(left))
	}
	l := &Subscriber{}
	now := time.Now()
	if !l.isAlive(now) || !l.isAlive(now.Add(stuckMax-1)) || l.isAlive(now.Add(stuckMax)) {
		t.Error("stuckMax is not kept")
	}
}

// Two readers of an order may come in the wrong order: what is older is not told after
// what is newer.
func TestOlderEventIsNotTold(t *testing.T) {
	c := new(topic)
	c.publish(7, 70, []byte("newer"))
	c.publish(6, 60, []byte("older"))
	if event, version := c.begin(); string(event) != "newer" || version != 70 {
		t.Errorf("%s of version %d is told", event, version)
	}
}

// eventReader reads the events of a stream.
type eventReader struct{ lines *bufio.Scanner }

type event struct{ id, name, data string }

func (r *eventReader) next() (e event, more bool) {
	for r.lines.Scan() {
		switch field, value, _ := strings.Cut(r.lines.Text(), ": "); field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.data != "" {
				return e, true
			}
		}
	}
	return e, false
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
