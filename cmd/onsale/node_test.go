package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/internal/procs"
	"onsale/proof/testenv"
	"onsale/raftfsm"
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
	peerSecretFile      string
	join                []string
	expect              int            // of --bootstrap-expect
	extra               []string       // more arguments
	frontEndOf          [][]string     // the clusters of a front-end; a node has none
	namespace           string         // of the network, when it has its own
	program             string         // "" is this test's
	environment         []string       // more of it
	format              string         // of the log
	files               int            // its limit of open files; 0 is this process'
	process             *procs.Process // of its last start, nil before the first
}

// freeAddress returns a loopback address that nobody else takes.
func freeAddress(t testing.TB) string {
	t.Helper()
	address, err := procs.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// newNodes plans nodes that share a secret, and are peers when there are several.
func newNodes(t testing.TB, count int) []*testNode {
	secret := filepath.Join(t.TempDir(), "secret")
	for path, letter := range map[string]string{secret: "s", secret + "-of-peers": "p"} {
		if err := os.WriteFile(path, bytes.Repeat([]byte(letter), auth.SecretBytesMin), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var nodes []*testNode
	var peers []string
	for i := range count {
		n := &testNode{t: t, id: fmt.Sprintf("n%d", i+1), http: freeAddress(t), private: freeAddress(t), peer: freeAddress(t), secretFile: secret,
			peerSecretFile: secret + "-of-peers", format: "text"}
		n.dir = filepath.Join(t.TempDir(), n.id)
		nodes = append(nodes, n)
		peers = append(peers, n.peer)
	}
	for _, n := range nodes {
		if count > 1 {
			n.join, n.expect = peers, count
		}
	}
	return nodes
}

func (n *testNode) arguments() []string {
	if n.frontEndOf != nil {
		return n.frontEndArguments()
	}
	arguments := []string{"serve", "--data-dir", n.dir, "--node-id", n.id, "--http", n.http, "--private", n.private, "--peer", n.peer,
		"--secret-file", n.secretFile, "--peer-secret-file", n.peerSecretFile, "--log-format", n.format}
	if len(n.join) > 0 {
		arguments = append(arguments, "--join", strings.Join(n.join, ","), "--bootstrap-expect", fmt.Sprint(n.expect))
	}
	return append(arguments, n.extra...)
}

func (n *testNode) start() {
	n.t.Helper()
	c := procs.Config{Name: n.id, Path: cmp.Or(n.program, os.Args[0]), Args: n.arguments(), Env: ownEnvironment(n.environment...)}
	if n.files > 0 {
		c = withFiles(c, n.files)
	}
	if n.namespace != "" {
		c = c.InNetwork(n.namespace)
	}
	n.process = startProcess(n.t, c)
}

// withFiles lets a process open so many files.
func withFiles(c procs.Config, most int) procs.Config {
	c.Args = append([]string{"-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, most), c.Path}, c.Args...)
	c.Path = "sh" // which becomes the program
	return c
}

// ownEnvironment lets this test's program be onsale.
func ownEnvironment(more ...string) []string {
	return append(append(os.Environ(), runAsOnsale+"=1"), more...)
}

// startProcess starts a process that ends with the test.
func startProcess(t testing.TB, c procs.Config) *procs.Process {
	t.Helper()
	p, err := procs.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// onsaleProcess runs the program to its end, with more settings in its environment.
func onsaleProcess(t testing.TB, environment []string, args ...string) (code int, output string) {
	t.Helper()
	p := startProcess(t, procs.Config{Name: args[0], Path: os.Args[0], Args: args, Env: ownEnvironment(environment...)})
	return awaitEnd(t, p), p.Output()
}

// awaitEnd waits for a process to end by itself and returns its exit code; -1 after a signal.
func awaitEnd(t testing.TB, p *procs.Process) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// ended waits for the node to end by itself and returns its exit code.
func (n *testNode) ended() int {
	n.t.Helper()
	return awaitEnd(n.t, n.process)
}

func (n *testNode) isRunning() bool { return n.process != nil && !n.process.HasEnded() }

// log returns what the node has written since its last start.
func (n *testNode) log() string {
	if n.process == nil {
		return ""
	}
	return n.process.Output()
}

// logs waits until the node has logged words; it must not end before.
func (n *testNode) logs(words string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := n.process.AwaitLine(ctx, regexp.MustCompile(regexp.QuoteMeta(words))); err != nil {
		n.t.Fatal(err)
	}
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
	if n.process != nil {
		n.process.Kill()
	}
}

// stop ends the process as an operator does; it must exit with 0.
func (n *testNode) stop() {
	n.t.Helper()
	if code, err := n.process.Stop(time.Minute); code != 0 || err != nil {
		n.t.Fatalf("%s: exit code %d, %v\n%s", n.id, code, err, n.log())
	}
}

func (n *testNode) seller() *client.Seller {
	secret, err := readSecret(n.secretFile)
	if err != nil {
		n.t.Fatal(err)
	}
	token, err := issue(secret, "seller", auth.RoleSeller|auth.RoleOperator, time.Hour)
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
	token, err := issue(secret, user, auth.RoleBuyer, time.Hour)
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

// leaderAmong waits for the running node that leads. When none runs it gives up at once.
func leaderAmong(t testing.TB, nodes []*testNode) *testNode {
	t.Helper()
	var leader *testNode
	testenv.Eventually(t, time.Minute, "a leader", func() bool {
		running := 0
		for _, n := range nodes {
			if !n.isRunning() {
				continue
			}
			running++
			// A new leader has the role a moment before it takes requests.
			if s, err := n.status(); err == nil && s.Role == "leader" && s.LeaderID == n.id && n.ready() {
				leader = n
				return true
			}
		}
		if running == 0 {
			t.Fatalf("no node runs:\n%s", lastLogs(nodes))
		}
		return false
	})
	return leader
}

func lastLogs(nodes []*testNode) string {
	var text strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&text, "%s:\n%s\n", n.id, n.log())
	}
	return text.String()
}

// get asks the node's private listener, with a token unless it is empty.
func (n *testNode) get(path, token string) (code int, body string) {
	n.t.Helper()
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, "http://"+n.private+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
