package forward

import (
	"fmt"
	"testing"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// leading is a node that decides whatever comes, without a state: what is measured is
// the way to it.
type leading struct {
	Node
	inbox *inbox.Inbox
}

func startLeading(b *testing.B) leading {
	n := leading{inbox: inbox.New(inbox.Config{RequestsMax: 1 << 19, BytesMax: 64 << 20, BatchRequestsMax: 8192, BatchBytesMax: 1 << 18}, nil)}
	n.inbox.Open()
	stop, done := make(chan struct{}), make(chan struct{})
	b.Cleanup(func() { close(stop); <-done })
	go func() {
		defer close(done)
		results := make([]sequencer.Result, 8192)
		for {
			select {
			case <-stop:
				return
			case <-n.inbox.Ready():
			}
			for chunk := n.inbox.Take(); chunk != nil; chunk = n.inbox.Take() {
				chunk.Deliver(results[:chunk.Count])
			}
		}
	}()
	return n
}

func (n leading) Leader() error { return n.inbox.Closed() }

func (n leading) Decide(c *sequencer.Command) (sequencer.Result, error) {
	w, err := n.inbox.Put(c)
	if err != nil {
		return sequencer.Result{}, err
	}
	return n.inbox.Wait(w)
}

func buyOf(user string) *sequencer.Command {
	return &sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte(user)}
}

// BenchmarkReplicaDecide is a buy at the leader's own listener, up to the state.
func BenchmarkReplicaDecide(b *testing.B) {
	for _, askers := range []int{1, 64} {
		b.Run(fmt.Sprint("askers=", askers), func(b *testing.B) {
			r := &Replica{Node: startLeading(b)}
			b.SetParallelism(askers)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for c := buyOf("somebody"); pb.Next(); {
					if _, err := r.Decide(c); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkClientDecide is a buy at a front-end, up to the leader's socket and back.
func BenchmarkClientDecide(b *testing.B) {
	for _, askers := range []int{1, 256} {
		b.Run(fmt.Sprint("askers=", askers), func(b *testing.B) {
			address := startDeciding(b)
			peers := peer.DefaultConfig()
			peers.ID, peers.Role = "f1", peer.FrontEnd
			c := NewClient(testClientConfig(), &peers, NewDirectory([]string{address}), nil, Limits{})
			defer c.Close()
			b.SetParallelism(askers)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for command := buyOf("somebody"); pb.Next(); {
					if _, err := c.Decide(command); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// startDeciding returns the address of a node that answers each batch with decisions
// that cost it nothing.
func startDeciding(b *testing.B) string {
	granted := grant{1, Limits{8192, 1 << 18}}
	results := make([]sequencer.Result, 8192)
	for i := range results {
		results[i].Seq = uint64(i + 1)
	}
	var body []byte
	return startScripted(b, "n1", func(f frame) reaction {
		if f.kind == kindSession {
			return reaction{body: granted.append(nil)}
		}
		_, _, count, _ := sequencer.ParseForward(f.body)
		body = sequencer.AppendDecisions(body[:0], &sequencer.Decisions{FirstSeq: 1, Results: results[:count]})
		return reaction{body: body}
	}).address
}
