package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsale/internal/failpoint"
	"onsale/internal/procs"
	"onsale/raftfsm/peer"
)

// cluster is a set of processes that this program started, with their data.
type cluster struct {
	dir        string
	secretFile string
	peerSecret []byte // the nodes', as its file has it
	nodes      []*node
	frontEnds  []*node  // processes, when there are any; they stop before the nodes
	flags      []string // that every node is started with
	pointFile  string   // of their failpoints; "" for none
}

// clusterOptions say which nodes to start.
type clusterOptions struct {
	program, parent string // the onsale binary; where the data goes, "" for the system's folder
	nodes           int
	secret          []byte
	diskDelay       time.Duration // by which every append to a log takes longer
	flags           []string      // beside what every bench has
}

// startCluster starts nodes on free loopback ports, with data in a new folder, and waits
// until one leads. Users may ask as often as they like, unless flags say otherwise. When it
// fails, all is removed.
func startCluster(ctx context.Context, o clusterOptions) (*cluster, error) {
	if o.diskDelay > 0 && !failpoint.In(o.program) {
		return nil, fmt.Errorf("%w: a disk can be made slow only in a program with failpoints (make broken)", ErrOptions)
	}
	dir, err := os.MkdirTemp(o.parent, "onsale-bench-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, secretFile: filepath.Join(dir, "secret"), flags: o.flags, peerSecret: []byte(rand.Text() + rand.Text())}
	if err := c.begin(ctx, &o); err != nil {
		return nil, errors.Join(err, c.terminate(), os.RemoveAll(dir))
	}
	return c, nil
}

func (c *cluster) begin(ctx context.Context, o *clusterOptions) error {
	err := errors.Join(os.WriteFile(c.secretFile, o.secret, 0o600), os.WriteFile(c.peerSecretFile(), c.peerSecret, 0o600))
	if err != nil {
		return err
	}
	if o.diskDelay > 0 {
		c.pointFile = filepath.Join(c.dir, "failpoint")
		slow := failpoint.Delay(failpoint.LogAppendBefore, o.diskDelay)
		if err := os.WriteFile(c.pointFile, []byte(slow), 0o600); err != nil {
			return err
		}
	}
	if err := c.plan(o.nodes, o.secret); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := c.start(o.program, n); err != nil {
			return err
		}
	}
	_, err = c.leader(ctx)
	return err
}

func (c *cluster) peerSecretFile() string { return filepath.Join(c.dir, "peer-secret") }

// peerConfig is how a front-end in this process meets the nodes.
func (c *cluster) peerConfig(id string) *peer.Config {
	config := peer.DefaultConfig()
	config.ID, config.Role, config.Secrets = id, peer.FrontEnd, [][]byte{c.peerSecret}
	return &config
}

// onCluster runs something on a cluster of its own, audits the journals unless it failed,
// and leaves nothing behind.
func onCluster(ctx context.Context, o clusterOptions, log io.Writer, run func(*cluster) error) ([]AuditReport, error) {
	fmt.Fprintf(log, "starting %d node(s)\n", o.nodes)
	c, err := startCluster(ctx, o)
	if err != nil {
		return nil, err
	}
	return c.finish(run(c), log)
}

// plan gives every node its addresses.
func (c *cluster) plan(count int, secret []byte) error {
	token, err := operatorToken(secret)
	if err != nil {
		return err
	}
	for i := range count {
		n, err := c.planNode("n"+strconv.Itoa(i+1), token)
		if err != nil {
			return err
		}
		c.nodes = append(c.nodes, n)
	}
	return nil
}

// planNode gives a process its addresses.
func (c *cluster) planNode(id, token string) (n *node, err error) {
	n = &node{id: id, dataDir: filepath.Join(c.dir, id), token: token}
	for _, address := range []*string{&n.http, &n.private, &n.peer} {
		if *address, err = procs.FreeAddress(); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// processes returns the nodes' process ids.
func (c *cluster) processes() (ids []int) {
	for _, n := range c.nodes {
		ids = append(ids, n.process.PID())
	}
	return ids
}

// all returns the nodes and the front-ends.
func (c *cluster) all() []*node { return slices.Concat(c.nodes, c.frontEnds) }

// peers returns where the nodes reach each other.
func (c *cluster) peers() []string {
	var addresses []string
	for _, n := range c.nodes {
		addresses = append(addresses, n.peer)
	}
	return addresses
}

func (c *cluster) start(program string, n *node) error {
	args := append([]string{"serve", "--data-dir", n.dataDir, "--node-id", n.id, "--peer", n.peer}, c.processArgs(n)...)
	if len(c.nodes) > 1 {
		args = append(args, "--join", strings.Join(c.peers(), ","), "--bootstrap-expect", strconv.Itoa(len(c.nodes)))
	}
	return c.startProcess(program, n, append(args, c.flags...))
}

// frontEndArgs are a front-end's arguments.
func (c *cluster) frontEndArgs(f *node) []string {
	return append([]string{"frontend", "--id", f.id, "--cluster", strings.Join(c.peers(), ",")}, c.processArgs(f)...)
}

// processArgs are those that nodes and front-ends have in common.
func (c *cluster) processArgs(n *node) []string {
	return []string{"--http", n.http, "--private", n.private, "--secret-file", c.secretFile, "--peer-secret-file", c.peerSecretFile(),
		"--log-format", "json", "--user-requests-per-second", "0"}
}

func (c *cluster) startProcess(program string, n *node, args []string) (err error) {
	environment := OwnEnvironment()
	if c.pointFile != "" {
		environment = append(environment, failpoint.Variable+"="+c.pointFile)
	}
	n.process, err = procs.Start(procs.Config{Name: n.id, Path: program, Args: args, Env: environment,
		LogPath: filepath.Join(c.dir, n.id+".log")})
	return err
}

// OwnEnvironment is this process's without settings for another server.
func OwnEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "ONSALE_") })
}

// buyersAddress is where buys go now.
func (c *cluster) buyersAddress(ctx context.Context) (string, error) {
	n, err := c.leader(ctx)
	if err != nil {
		return "", err
	}
	return n.http, nil
}

// electionMax bounds the wait for a leader.
const electionMax = 30 * time.Second

// leader waits for the node that takes requests.
func (c *cluster) leader(ctx context.Context) (leader *node, err error) {
	found := until(ctx, electionMax, 20*time.Millisecond, func() bool {
		for _, n := range c.nodes {
			if s, err := n.status(ctx); err == nil && s.Role == "leader" {
				leader = n
			}
		}
		return leader != nil
	})
	if !found {
		return nil, fmt.Errorf("no node took office within %v%s", electionMax, c.lastLogs())
	}
	return leader, nil
}

// until asks again and again until it is so, and reports whether it was so in time.
func until(ctx context.Context, limit, interval time.Duration, isSo func() bool) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(interval) {
		if isSo() {
			return true
		}
	}
	return false
}

// converge waits until all nodes have decided the same and compares their hashes.
// It returns one line for each node.
func (c *cluster) converge(ctx context.Context) ([]nodeStatus, error) {
	var all []nodeStatus
	same := until(ctx, 30*time.Second, 50*time.Millisecond, func() bool {
		all = all[:0]
		same := true
		for _, n := range c.nodes {
			s, err := n.status(ctx)
			all = append(all, s)
			same = same && err == nil && s.Seq == all[0].Seq && s.StateHash == all[0].StateHash &&
				s.JournalHash == all[0].JournalHash
		}
		return same
	})
	if !same && ctx.Err() == nil {
		return all, fmt.Errorf("%w: %+v", errReplicasDiffer, all)
	}
	return all, ctx.Err()
}

// errReplicasDiffer is returned when nodes do not come to the same state.
var errReplicasDiffer = errors.New("replicas differ")

// lastLogs returns the ends of the nodes' logs, for an error message.
func (c *cluster) lastLogs() string {
	var text strings.Builder
	for _, n := range c.all() {
		if n.process != nil {
			output := n.process.Output()
			fmt.Fprintf(&text, "\n%s: …%s", n.id, output[max(0, len(output)-1000):])
		}
	}
	return text.String()
}
