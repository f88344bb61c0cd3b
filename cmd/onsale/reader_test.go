package main

import (
	"testing"
	"time"

	"onsale/raftfsm"
)

// A reader begins as a node as soon as there is room that was made, also within the first
// second, and looks for longer when the disk never said that it is short.
func TestRoomLooks(t *testing.T) {
	since := time.Now()
	for _, c := range []struct {
		short []bool // at each second
		want  int    // of them, after how many the node begins
	}{
		{[]bool{true, false}, 2},
		{[]bool{false, true, true, false}, 4},
		{[]bool{false, false, false, false, false, false, false, false, false, false, false, false}, 12},
	} {
		looks, looked := roomLooks{since: since, readTime: readTimeMax}, 0
		for at, short := range c.short {
			var err error
			if short {
				err = raftfsm.ErrNoRoom
			}
			looked = at + 1
			if looks.starts(err, since.Add(time.Duration(at)*time.Second)) {
				break
			}
		}
		if looked != c.want {
			t.Errorf("%v: after %d looks, want %d", c.short, looked, c.want)
		}
	}
}

// Who had room again while the node ended begins within L1's ten seconds; who has room that
// takes nothing is not started every second.
func TestReadTime(t *testing.T) {
	readTime, now := time.Duration(0), time.Now()
	for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if readTime = nextReadTime(readTime, time.Second); readTime != want*time.Second {
			t.Fatalf("%v, want %ds", readTime, want)
		}
	}
	if readTime = nextReadTime(readTime, time.Minute); readTime != time.Second {
		t.Errorf("after a node that lived: %v", readTime)
	}
	looks := roomLooks{since: now, readTime: readTime}
	if !looks.starts(nil, now.Add(2*time.Second)) {
		t.Error("a reader that never saw its disk short waits on")
	}
}
