package procs

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// behaviour is the environment variable that makes this test's program a process with one of
// these behaviours.
const behaviour = "PROCS_TEST_BEHAVIOUR"

// limit is what nothing here takes, even on a busy machine.
const limit = time.Minute

var behaviours = map[string]func(){
	"dies":     func() { fmt.Print("out of\nluck\nunfinished"); os.Exit(3) },
	"babbles":  func() { fmt.Printf("%s%0*d\n", "first", 10*tailBytes, 7); os.Exit(1) },
	"sleeps":   func() { time.Sleep(limit) },
	"stubborn": stubborn,
	"polite":   polite,
	"echoes":   echo,
	"parent":   parent,
}

func TestMain(m *testing.M) {
	if behave, ok := behaviours[os.Getenv(behaviour)]; ok {
		behave()
		return
	}
	os.Exit(m.Run())
}

// stubborn does not stop when it is told to.
func stubborn() {
	signal.Ignore(syscall.SIGTERM)
	fmt.Println("ready")
	time.Sleep(limit)
}

// polite stops when it is told to, with a code of its own.
func polite() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	fmt.Println("ready")
	<-told
	os.Exit(5)
}

// echo sends back what it is sent, and says where.
func echo() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("listening on", listener.Addr())
	conn, err := listener.Accept()
	if err != nil {
		panic(err)
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fmt.Fprintln(conn, lines.Text())
	}
}

// parent starts an echo and says where it is.
func parent() {
	child, err := Start(behaving("echoes"))
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	match, err := child.AwaitLine(ctx, listening)
	if err != nil {
		panic(err)
	}
	fmt.Println(match[0])
	time.Sleep(limit)
}

var listening = regexp.MustCompile(`^listening on (\S+)$`)

// behaving returns what starts a behaviour.
func behaving(name string) Config {
	return Config{Name: name, Path: os.Args[0], Env: append(os.Environ(), behaviour+"="+name)}
}

func start(t *testing.T, c Config) *Process {
	t.Helper()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func awaitLine(t *testing.T, p *Process, pattern string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	match, err := p.AwaitLine(ctx, regexp.MustCompile(pattern))
	if err != nil {
		t.Fatal(err)
	}
	return match
}

// dial connects with a process that echoes.
func dial(t *testing.T, p *Process) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", awaitLine(t, p, listening.String())[1])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
