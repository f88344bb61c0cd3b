package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"onsale/api"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/audit"
	"onsale/raftfsm"
	"onsale/sequencer"
)

// runAsOnsale makes the test binary be the program, so that tests have real
// processes to kill.
const runAsOnsale = "RUN_AS_ONSALE"

func TestMain(m *testing.M) {
	if os.Getenv(runAsOnsale) != "" {
		main()
	}
	os.Exit(m.Run())
}

// testNode is one server process.
type testNode struct {
	t                   testing.TB
	id                  string
	http, private, peer string
	dir                 string
	secretFile          string
	join                []string
	expect              int        // of --bootstrap-expect
	extra               []string   // more arguments
	frontEndOf          [][]string // the clusters of a front-end; a node has none
	namespace           string     // of the network, when it has its own
	program             string     // "" is this test's
	environment         []string   // more of it
	format              string     // of the log
	command             *exec.Cmd
	log                 *lockedBuffer
}

// lockedBuffer keeps what a process logs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// planned are the ports that freeAddress has given away.
var planned sync.Map

// home is a loopback address of this process' own: nobody else takes a port there
// between its choice and its use, or while a killed node is down.
var home = func() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&63, pid>>8&255, pid&255)
}()

// freeAddress returns an address of home that nobody listens on. Its port is below
// those that the kernel gives to outgoing connections (from 32768 on): else a
// buyer's connection could take a killed node's port before its restart.
func freeAddress(t testing.TB) string {
	for range 1000 {
		address := fmt.Sprintf("%s:%d", home, 16<<10+rand.IntN(16<<10))
		if _, given := planned.LoadOrStore(address, true); given {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// newNodes plans nodes that share a secret, and are peers when there are several.
func newNodes(t testing.TB, count int) []*testNode {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, bytes.Repeat([]byte("s"), api.SecretBytesMin), 0o600); err != nil {
		t.Fatal(err)
	}
	var nodes []*testNode
	var peers []string
	for i := range count {
		n := &testNode{t: t, id: fmt.Sprintf("n%d", i+1), http: freeAddress(t), private: freeAddress(t), peer: freeAddress(t), secretFile: secret, format: "text"}
		n.dir = filepath.Join(t.TempDir(), n.id)
		nodes = append(nodes, n)
		peers = append(peers, n.peer)
	}
	for _, n := range nodes {
		if count > 1 {
			n.join, n.expect = peers, count
		}
	}
	t.Cleanup(func() {
		for _, n := range nodes {
			n.kill()
		}
	})
	return nodes
}

func (n *testNode) arguments() []string {
	if n.frontEndOf != nil {
		return n.frontEndArguments()
	}
	arguments := []string{"serve", "--data-dir", n.dir, "--node-id", n.id, "--http", n.http, "--private", n.private, "--peer", n.peer,
		"--secret-file", n.secretFile, "--log-format", n.format}
	if len(n.join) > 0 {
		arguments = append(arguments, "--join", strings.Join(n.join, ","), "--bootstrap-expect", fmt.Sprint(n.expect))
	}
	return append(arguments, n.extra...)
}

func (n *testNode) start() {
	n.t.Helper()
	n.log = new(lockedBuffer)
	program := cmp.Or(n.program, os.Args[0])
	n.command = exec.Command(program, n.arguments()...)
	if n.namespace != "" {
		n.command = exec.Command("ip", append([]string{"netns", "exec", n.namespace, program}, n.arguments()...)...)
	}
	n.command.Env = append(append(os.Environ(), runAsOnsale+"=1"), n.environment...)
	n.command.Stdout, n.command.Stderr = n.log, n.log
	n.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.command.Start(); err != nil {
		n.t.Fatal(err)
	}
}

// ended waits for the process to end by itself and returns its exit code; -1 after a
// signal.
func (n *testNode) ended() int {
	n.t.Helper()
	done := make(chan struct{})
	go func() { n.command.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		n.t.Fatalf("%s still runs\n%s", n.id, n.log)
	}
	code := n.command.ProcessState.ExitCode()
	n.command = nil
	return code
}

// buildProgram builds the program as a test needs it.
func buildProgram(t testing.TB, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "onsale")
	if output, err := exec.Command("go", append(append([]string{"build", "-o", path}, flags...), ".")...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return path
}

// kill ends the process as a power cut would look to it.
func (n *testNode) kill() {
	if n.command != nil {
		n.command.Process.Kill()
		n.command.Wait()
		n.command = nil
	}
}

// stop ends the process as an operator does; it must exit with 0.
func (n *testNode) stop() {
	n.t.Helper()
	n.command.Process.Signal(syscall.SIGTERM)
	if err := n.command.Wait(); err != nil {
		n.t.Fatalf("%s: %v\n%s", n.id, err, n.log)
	}
	n.command = nil
}

func (n *testNode) seller() *client.Seller {
	secret, err := readSecret(n.secretFile)
	if err != nil {
		n.t.Fatal(err)
	}
	token, err := issue(secret, "seller", api.RoleSeller|api.RoleOperator, time.Hour)
	if err != nil {
		n.t.Fatal(err)
	}
	s, err := client.NewSeller(client.Config{Address: n.private, Token: token})
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

func (n *testNode) buyer(user string) *client.Client {
	secret, err := readSecret(n.secretFile)
	if err != nil {
		n.t.Fatal(err)
	}
	token, err := issue(secret, user, api.RoleBuyer, time.Hour)
	if err != nil {
		n.t.Fatal(err)
	}
	b, err := client.New(client.Config{Address: n.http, Token: token})
	if err != nil {
		n.t.Fatal(err)
	}
	return b
}

func (n *testNode) status() (s raftfsm.Status, err error) {
	raw, err := n.seller().Node(context.Background())
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	return s, err
}

// ready asks what a load balancer asks.
func (n *testNode) ready() bool {
	answer, err := http.Get("http://" + n.private + "/readyz")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// within waits for a condition.
func within(t testing.TB, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("not within %v: %s", limit, what)
}

// leaderAmong waits for the running node that leads.
func leaderAmong(t testing.TB, nodes []*testNode) *testNode {
	t.Helper()
	var leader *testNode
	within(t, time.Minute, "a leader", func() bool {
		for _, n := range nodes {
			if n.command == nil {
				continue
			}
			// A new leader has the role a moment before it takes requests.
			if s, err := n.status(); err == nil && s.Role == "leader" && s.LeaderID == n.id && n.ready() {
				leader = n
				return true
			}
		}
		return false
	})
	return leader
}

// crowd buys as many users at a time until told to stop, each retrying with the
// same key until it has an answer, as a client should. It records what was told.
type crowd struct {
	nodes []*testNode
	mu    sync.Mutex
	told  map[string]string // user → uid of the order
	stop  chan struct{}
	group sync.WaitGroup
}

func gather(nodes []*testNode, buyers int) *crowd {
	c := &crowd{nodes: nodes, told: map[string]string{}, stop: make(chan struct{})}
	for b := range buyers {
		c.group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-c.stop:
					return
				default:
					c.buy(fmt.Sprintf("user-%d-%d", b, i), i)
				}
			}
		})
	}
	return c
}

func (c *crowd) buy(user string, attempt int) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); attempt++ {
		door := c.nodes[attempt%len(c.nodes)]
		d, err := door.buyer(user).Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: "key of " + user})
		if err == nil {
			if d.Order != "" {
				c.mu.Lock()
				c.told[user] = d.Order
				c.mu.Unlock()
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// crowdLeast is how many orders a crowd must have been told of to mean something.
const crowdLeast = 50

// disperse stops the crowd and returns who was told of an order. A machine that is slow
// is given the time for enough of them.
func (c *crowd) disperse() map[string]string {
	for deadline := time.Now().Add(time.Minute); c.size() < crowdLeast && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	close(c.stop)
	c.group.Wait()
	return c.told
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.told)
}

// mustHold checks that every order that was told is there for its buyer, and that
// the key still answers with it.
func mustHold(t testing.TB, n *testNode, told map[string]string) {
	t.Helper()
	if len(told) < crowdLeast {
		t.Fatalf("only %d orders were told", len(told))
	}
	checked := 0
	for user, uid := range told {
		order, err := n.order(user, uid)
		if err != nil || order.UserID != user || order.State != "reserved" {
			t.Fatalf("order %s of %s: %+v, %v", uid, user, order, err)
		}
		if checked++; checked > 20 {
			continue
		}
		again, err := n.buyAgain(user, client.Purchase{Quantity: 1, Sale: "gig", Key: "key of " + user})
		if err != nil || again.Order != uid || !again.Replayed {
			t.Fatalf("the key of %s again: %+v, %v", user, again, err)
		}
	}
}

func mustAudit(t testing.TB, n *testNode) {
	t.Helper()
	report, err := audit.Run(filepath.Join(n.dir, "journal"), audit.Options{})
	if err != nil || report.Verdict != audit.VerdictClean {
		t.Fatalf("audit of %s: %v\n%v", n.id, err, report)
	}
}

func openGig(t testing.TB, leader *testNode, quantity uint32) {
	t.Helper()
	within(t, time.Minute, "a sale", func() bool {
		_, err := leader.seller().CreateSale(context.Background(), contract.NewSale{ID: "gig", Item: "Gig", Quantity: quantity, Price: 100, Currency: "EUR"})
		if err != nil && !isBetweenLeaders(err) && !errors.Is(err, contract.ErrSaleExists) { // which an attempt made whose outcome was unknown
			t.Fatal(err)
		}
		return err == nil || errors.Is(err, contract.ErrSaleExists)
	})
}

// isBetweenLeaders reports whether a client would try again, with the same key: on a busy
// machine another node may be elected at any time.
func isBetweenLeaders(err error) bool {
	return errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrOutcomeUnknown) || errors.Is(err, sequencer.ErrStopping) || errors.Is(err, sequencer.ErrBehind)
}

// settled asks again while nobody leads.
func settled[T any](t testing.TB, ask func() (T, error)) (answer T, err error) {
	t.Helper()
	within(t, time.Minute, "a leader's answer", func() bool {
		answer, err = ask()
		return !isBetweenLeaders(err)
	})
	return answer, err
}

// buyAgain buys under a key until there is an answer.
func (n *testNode) buyAgain(user string, p client.Purchase) (*contract.Decision, error) {
	n.t.Helper()
	return settled(n.t, func() (*contract.Decision, error) { return n.buyer(user).Buy(context.Background(), p) })
}

// order reads an order until there is an answer.
func (n *testNode) order(user, uid string) (*contract.Order, error) {
	n.t.Helper()
	return settled(n.t, func() (*contract.Order, error) { return n.buyer(user).Order(context.Background(), uid) })
}

// The only node is killed in the middle of a sale, again and again: what it
// answered stays.
func TestKilledNodeKeepsItsWord(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 1)
	n := nodes[0]
	n.start()
	leaderAmong(t, nodes)
	openGig(t, n, 1<<20)
	c := gather(nodes, 16)
	for range 3 {
		time.Sleep(400 * time.Millisecond)
		n.kill()
		n.start()
		leaderAmong(t, nodes)
	}
	time.Sleep(200 * time.Millisecond)
	told := c.disperse()
	mustHold(t, n, told)
	n.stop()
	mustAudit(t, n)
}

// The leader of three is killed in the middle of a sale, twice, and comes back:
// the sale goes on, nothing that was told is lost, and all replicas are the same.
func TestKilledLeaderIsReplaced(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	c := gather(nodes, 16)
	for range 2 {
		time.Sleep(400 * time.Millisecond)
		old := leaderAmong(t, nodes)
		old.kill()
		leaderAmong(t, nodes)
		time.Sleep(400 * time.Millisecond)
		old.start()
	}
	time.Sleep(200 * time.Millisecond)
	told := c.disperse()
	leader := leaderAmong(t, nodes)
	mustHold(t, leader, told)
	mustBeSame(t, nodes)
	for _, n := range nodes {
		n.stop()
	}
	for _, n := range nodes {
		mustAudit(t, n)
	}
}

// What the operator reads when a start fails.
func TestRefusedStarts(t *testing.T) {
	nodes := newNodes(t, 1)
	n := nodes[0]
	n.start()
	leaderAmong(t, nodes)
	within(t, time.Minute, "the ready line", func() bool { return strings.Contains(n.log.String(), "msg=ready") })
	refused := func(code int, words string, environment []string, args ...string) {
		t.Helper()
		got, output := onsaleProcess(t, environment, args...)
		if got != code {
			t.Errorf("%v: exit code %d, want %d", args, got, code)
		}
		has(t, output, words)
	}
	taken := freeAddress(t)
	other := append([]string{"serve", "--data-dir", t.TempDir(), "--private", taken, "--peer", taken}, "--http", n.http)
	refused(1, "address already in use", nil, other...)
	refused(1, "is open in another process", nil, "serve", "--data-dir", n.dir, "--secret-file", n.secretFile, "--http", "127.0.0.1:0", "--private", "127.0.0.1:0")
	n.stop()
	refused(1, "was made by node \"n1\"", nil, "serve", "--data-dir", n.dir, "--node-id", "n7", "--secret-file", n.secretFile, "--http", "127.0.0.1:0", "--private", "127.0.0.1:0")
	refused(1, "the same --secret-file", nil, "serve", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0", "--private", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--join", "127.0.0.1:1")
	refused(2, `unknown setting "date-dir"`, []string{"ONSALE_DATE_DIR=x"}, "serve")
	refused(2, "--join has", nil, "serve", "--join", "nonsense", "--http", "127.0.0.1:0", "--private", "127.0.0.1:0")
	refused(2, "unknown command", nil, "sell")
}
