package forward

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
)

// scripted is a node that answers each question as a test says.
type scripted struct {
	address string
	answer  func(f frame) reaction

	mu  sync.Mutex
	got int // questions and batches
}

// reaction is what a scripted node does with a frame.
type reaction struct {
	body []byte
	err  error
	code codes.Code    // of a newer release
	lost bool          // it ends the connection in place of the answer
	late time.Duration // it takes so long
}

func startScripted(t testing.TB, id string, answer func(f frame) reaction) *scripted {
	network, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startScriptedAt(t, network, id, answer)
}

func startScriptedAt(t testing.TB, network net.Listener, id string, answer func(f frame) reaction) *scripted {
	config := peer.DefaultConfig()
	config.ID = id
	listener := peer.NewListener(network, config)
	s := &scripted{address: listener.Addr().String(), answer: answer}
	var running sync.WaitGroup
	running.Go(func() { listener.Serve() })
	running.Go(func() {
		for service := listener.Service(peer.Forward); ; {
			conn, err := service.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.serve(conn) })
			t.Cleanup(func() { conn.Close() })
		}
	})
	t.Cleanup(func() { listener.Close(); running.Wait() })
	return s
}

func (s *scripted) serve(conn net.Conn) {
	defer conn.Close()
	in := newFrameReader(conn, FrameBytesMax)
	for {
		f, err := in.next()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.got++
		s.mu.Unlock()
		does := s.answer(f)
		time.Sleep(does.late)
		if does.lost {
			return
		}
		data, code := append(make([]byte, frameHeaderBytes), does.body...), codes.OK
		if does.err != nil {
			data, code = codes.Append(make([]byte, frameHeaderBytes), does.err)
		}
		putFrameHeader(data, kindAnswer, max(code, does.code), f.id)
		if _, err := conn.Write(data); err != nil {
			return
		}
	}
}

func (s *scripted) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// linksTo returns links of a process that knows some addresses.
func linksTo(t testing.TB, addresses ...string) *Links {
	config := peer.DefaultConfig()
	config.ID, config.Role = "f1", peer.FrontEnd
	l := NewLinks(&config, NewDirectory(addresses))
	t.Cleanup(l.Close)
	return l
}

// positionOf is a question of these tests.
func positionOf(ctx context.Context) func(l *Link) (uint64, error) {
	return func(l *Link) (uint64, error) { return l.Position(ctx) }
}
