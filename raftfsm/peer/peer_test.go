package peer

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsale/proof/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func configOf(id string, role Role, births Lineage) Config {
	c := DefaultConfig()
	c.ID, c.Role, c.HandshakeTimeout = id, role, time.Minute
	c.Cluster = func() (Lineage, uint8) { return births, 3 }
	return c
}

// serve opens a port whose connections are taken and closed by who asks for them.
func serve(t *testing.T, config Config) (*Listener, string) {
	t.Helper()
	l, err := Listen("127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Serve() }()
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), <-done); err != nil {
			t.Error(err)
		}
	})
	return l, l.Addr().String()
}

func dialRaw(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	testenv.Eventually(t, time.Minute, what, is)
}

// meet calls a listener and returns both ends; both are nil after an error.
func meet(t *testing.T, l *Listener, caller *Config, service Service, wantID string) (here, there *Conn, err error) {
	t.Helper()
	here, err = Dial(t.Context(), caller, l.Addr().String(), service, wantID)
	if err != nil {
		return nil, nil, err
	}
	accepted, err := l.Service(service).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); accepted.Close() })
	return here, accepted.(*Conn), nil
}

func TestWhoIsLetIn(t *testing.T) {
	own, other, none := lineage("a"), lineage("b"), Lineage(nil)
	l, _ := serve(t, configOf("n1", Node, own))
	for name, c := range map[string]struct {
		caller  Config
		service Service
		want    string
		err     error
	}{
		"a node for raft":               {configOf("n2", Node, own), Raft, "n1", nil},
		"a front-end":                   {configOf("f1", FrontEnd, none), Forward, "", nil},
		"a node that joins":             {configOf("n4", Node, none), Forward, "n1", nil},
		"a front-end for raft":          {configOf("f1", FrontEnd, own), Raft, "", ErrRefused},
		"raft before there's a cluster": {configOf("n4", Node, none), Raft, "", ErrRefused},
		"another cluster":               {configOf("n2", Node, other), Raft, "", ErrOtherCluster},
		"another cluster's front-end":   {configOf("f1", FrontEnd, other), Forward, "", ErrOtherCluster},
		"another node was wanted":       {configOf("n2", Node, own), Raft, "n7", ErrOtherNode},
		"no such service":               {configOf("n2", Node, own), 'X', "", ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			here, there, err := meet(t, l, &c.caller, c.service, c.want)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("answered %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if is := there.Peer; is.ID != c.caller.ID || is.Role != c.caller.Role {
				t.Errorf("the node saw %+v", is)
			}
			if is := here.Peer; is.ID != "n1" || is.Cluster != own[0] || is.Number != 3 {
				t.Errorf("the caller saw %+v", is)
			}
		})
	}
}

// Who only greets hears who is there, and is known; nobody is handed the connection.
func TestMeet(t *testing.T) {
	listening := configOf("n1", Node, lineage("a"))
	listening.Starts = new(Starts)
	l, address := serve(t, listening)
	calling := configOf("n2", Node, lineage("a"))
	calling.Start = 5
	is, err := Meet(t.Context(), &calling, address)
	if err != nil || is.ID != "n1" || is.Cluster != lineage("a")[0] {
		t.Errorf("it has met %+v, %v", is, err)
	}
	eventually(t, "the end of the connection", func() bool { open, _ := l.Connections(); return open == 0 })
	if _, refusals := l.Connections(); refusals != 0 || listening.Starts.Note("n2", 4) {
		t.Errorf("%d refusals, or its start was not noted", refusals)
	}
	calling.Start = 4
	if _, err := Meet(t.Context(), &calling, address); !errors.Is(err, ErrReplaced) {
		t.Errorf("an earlier start: %v", err)
	}
}

// Who says nothing, or something else, is not waited for, and holds no place.
func TestSilenceAndGarbage(t *testing.T) {
	config := configOf("n1", Node, lineage("a"))
	config.ConnectionsMax, config.HandshakeTimeout = 2, 500*time.Millisecond
	l, address := serve(t, config)
	var silent []net.Conn
	for range 4 {
		silent = append(silent, dialRaw(t, address))
	}
	garbage := dialRaw(t, address)
	garbage.Write([]byte(strings.Repeat("GET / HTTP/1.1\r\n", 10)))
	for _, conn := range append(silent, garbage) {
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		greeting := make([]byte, greetingBytes)
		for err := error(nil); err == nil; { // a greeting, or nothing, and the end
			var n int
			if n, err = conn.Read(greeting); n > greetingBytes || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%d bytes, %v", n, err)
			}
		}
		conn.Close()
	}
	eventually(t, "five refusals and no open connection", func() bool {
		open, refusals := l.Connections()
		return open == 0 && refusals >= 5
	})
	caller := configOf("n2", Node, lineage("a"))
	eventually(t, "a call after the strangers'", func() bool {
		conn, err := Dial(context.Background(), &caller, address, Raft, "n1")
		if err != nil {
			return false // the node waits for nobody, also not for who is honest and slow
		}
		conn.Close()
		return true
	})
	accepted, err := l.Service(Raft).Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
}
