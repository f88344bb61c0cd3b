package peer

import (
	"bytes"
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

func configOf(id string, role Role, cluster ClusterID) Config {
	c := DefaultConfig()
	c.ID, c.Role, c.HandshakeTimeout = id, role, time.Minute
	c.Cluster = func() (ClusterID, uint8) { return cluster, 3 }
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

// A hello of another version is refused by name, and the message says which one it is.
func TestOtherHelloVersion(t *testing.T) {
	h := hello{word: byte(Raft), role: Node, id: "n1"}
	data := h.append(nil)
	data[4] = helloVersion + 1
	_, err := readHello(bytes.NewReader(data))
	if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "version 3, this program knows 2") {
		t.Error(err)
	}
}

func TestWhoIsLetIn(t *testing.T) {
	own, other, none := ClusterID{1}, ClusterID{2}, ClusterID{}
	l, address := serve(t, configOf("n1", Node, own))
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
			conn, err := Dial(context.Background(), &c.caller, address, c.service, c.want)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("answered %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			defer conn.Close()
			accepted, err := l.Service(c.service).Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer accepted.Close()
			if is := accepted.(*Conn).Peer; is.ID != c.caller.ID || is.Role != c.caller.Role {
				t.Errorf("the node saw %+v", is)
			}
			if is := conn.Peer; is.ID != "n1" || is.Cluster != own || is.Number != 3 {
				t.Errorf("the caller saw %+v", is)
			}
		})
	}
}

// Who says nothing, or something else, is not waited for, and holds no place.
func TestSilenceAndGarbage(t *testing.T) {
	config := configOf("n1", Node, ClusterID{1})
	config.ConnectionsMax, config.HandshakeTimeout = 2, 500*time.Millisecond
	l, address := serve(t, config)
	var silent []net.Conn
	for range 4 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, conn)
	}
	garbage, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	garbage.Write([]byte(strings.Repeat("GET / HTTP/1.1\r\n", 10)))
	for _, conn := range append(silent, garbage) {
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes, %v", n, err)
		}
		conn.Close()
	}
	testenv.Eventually(t, time.Minute, "five refusals and no open connection", func() bool {
		open, refusals := l.Connections()
		return open == 0 && refusals >= 5
	})
	caller := configOf("n2", Node, ClusterID{1})
	testenv.Eventually(t, time.Minute, "a call after the strangers'", func() bool {
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

func FuzzHello(f *testing.F) {
	for _, h := range []hello{{'R', Node, 0, ClusterID{1}, "n1"}, {0, FrontEnd, 9, ClusterID{}, strings.Repeat("x", IDBytesMax)}} {
		f.Add(h.append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := readHello(bytes.NewReader(data))
		if err != nil {
			return
		}
		if again := h.append(nil); !bytes.HasPrefix(data, again) {
			t.Fatalf("%x was read as %x", data, again)
		}
	})
}

func TestClusterID(t *testing.T) {
	id := ClusterID{1, 0xab}
	if got, err := ParseClusterID(id.String()); err != nil || got != id {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"", "xy", strings.Repeat("g", 32), strings.Repeat("0", 31)} {
		if _, err := ParseClusterID(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
