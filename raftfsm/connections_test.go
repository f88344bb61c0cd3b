package raftfsm

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// All connections end when they are cut, also those that come afterwards, and one that was
// closed is not held any longer.
func TestConnectionsAreCut(t *testing.T) {
	var c connections
	if err := c.wasCut(); err != nil {
		t.Error(err)
	}
	var fars []net.Conn
	for range 3 {
		near, far := net.Pipe()
		added, err := c.add(near)
		if err != nil {
			t.Fatal(err)
		}
		fars = append(fars, far)
		if len(fars) == 2 {
			if err := added.Close(); err != nil || len(c.open) != 1 {
				t.Errorf("%d are open, %v", len(c.open), err)
			}
		}
	}
	if len(c.open) != 2 {
		t.Errorf("%d are open", len(c.open))
	}
	why := errors.New("fenced")
	c.cut(why)
	near, far := net.Pipe()
	if conn, err := c.add(near); conn != nil || !errors.Is(err, why) || !errors.Is(c.wasCut(), why) || len(c.open) != 0 {
		t.Errorf("one that came afterwards: %v, %v, %d are open", err, c.wasCut(), len(c.open))
	}
	for i, far := range append(fars, far) {
		if err := far.SetReadDeadline(time.Now().Add(time.Minute)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Fatal(err)
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("number %d: %v", i, err)
		}
		far.Close()
	}
}
