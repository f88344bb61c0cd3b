package raftfsm

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/transport"
)

// A follower that refuses an append must not leave the sender of the next ones
// waiting: raft reads no answer after a refusal, and may send before it notices.
func TestPipelineEndsWithARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(1)
		leader, follower := net.open("a"), net.open("b")
		go func() {
			for {
				select {
				case rpc := <-follower.Consumer():
					rpc.Respond(&raft.AppendEntriesResponse{Success: false}, nil)
				case <-follower.closed:
					return
				}
			}
		}()
		p, err := transport.Guarded{Transport: leader}.AppendEntriesPipeline("b", "b")
		if err != nil {
			t.Fatal(err)
		}
		send := func() error {
			_, err := p.AppendEntries(&raft.AppendEntriesRequest{Term: 1}, new(raft.AppendEntriesResponse))
			return err
		}
		if err := send(); err != nil {
			t.Fatal(err)
		}
		if f := <-p.Consumer(); f.Response().Success {
			t.Error("the refusal did not come through")
		}
		for range 10 * pipelineMax { // hangs where a pipeline does not end: the bubble tells
			if err := send(); err != nil {
				p.Close()
				leader.Close()
				follower.Close()
				time.Sleep(time.Second) // for what is under way
				return
			}
		}
		t.Error("a pipeline went on after a refusal")
	})
}
