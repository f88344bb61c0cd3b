package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"onsale/internal/failpoint"
	"onsale/internal/procs"
	"onsale/raftfsm/peer"
)

// cluster is a set of processes that this program started, with their data.
type cluster struct {
	setup      *Setup
	dir        string
	secret     []byte // of the tokens,
	secretFile string // and where the nodes find it
	peerSecret []byte // the nodes', as its file has it
	token      string // an operator's
	nodes      []*node
	frontEnds  []*node // processes, when there are any; they stop before the nodes
	pointFile  string  // of the nodes' failpoints; "" for none
}

// startCluster starts nodes on free loopback ports, with data in a new folder, and waits
// until one leads. Users may ask as often as they like, unless flags say otherwise. Every
// append to a log takes diskDelay longer. When it fails, all is removed.
func startCluster(ctx context.Context, s *Setup, secret []byte, diskDelay time.Duration) (*cluster, error) {
	if diskDelay > 0 && !failpoint.In(s.Program) {
		return nil, fmt.Errorf("%w: a disk can be made slow only in a program with failpoints (make broken)", ErrOptions)
	}
	dir, err := os.MkdirTemp(s.DataParent, "onsale-bench-")
	if err != nil {
		return nil, err
	}
	c := &cluster{setup: s, dir: dir, secret: secret, secretFile: filepath.Join(dir, "secret"),
		peerSecret: []byte(rand.Text() + rand.Text())}
	if err := c.begin(ctx, diskDelay); err != nil {
		return nil, errors.Join(err, c.terminate(), os.RemoveAll(dir))
	}
	return c, nil
}

func (c *cluster) begin(ctx context.Context, diskDelay time.Duration) (err error) {
	if c.token, err = operatorToken(c.secret); err != nil {
		return err
	}
	err = errors.Join(os.WriteFile(c.secretFile, c.secret, 0o600), os.WriteFile(c.peerSecretFile(), c.peerSecret, 0o600))
	if diskDelay > 0 {
		c.pointFile = filepath.Join(c.dir, "failpoint")
		slow := failpoint.Delay(failpoint.LogAppendBefore, diskDelay)
		err = errors.Join(err, os.WriteFile(c.pointFile, []byte(slow), 0o600))
	}
	for i := range c.setup.Nodes {
		n, planErr := c.plan("n" + strconv.Itoa(i+1))
		c.nodes, err = append(c.nodes, n), errors.Join(err, planErr)
	}
	if err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := c.start(n); err != nil {
			return err
		}
	}
	_, err = c.leader(ctx)
	return err
}

// plan gives a process its addresses.
func (c *cluster) plan(id string) (*node, error) {
	n := &node{id: id, dataDir: filepath.Join(c.dir, id), token: c.token}
	for _, address := range []*string{&n.http, &n.private, &n.peer} {
		var err error
		if *address, err = procs.FreeAddress(); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *cluster) peerSecretFile() string { return filepath.Join(c.dir, "peer-secret") }

// peerConfig is how a front-end in this process meets the nodes.
func (c *cluster) peerConfig(id string) *peer.Config {
	config := peer.DefaultConfig()
	config.ID, config.Role, config.Secrets = id, peer.FrontEnd, [][]byte{c.peerSecret}
	return &config
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

func (c *cluster) start(n *node) error {
	args := []string{"serve", "--data-dir", n.dataDir, "--node-id", n.id, "--peer", n.peer}
	if len(c.nodes) > 1 {
		args = append(args, "--join", strings.Join(c.peers(), ","), "--bootstrap-expect", strconv.Itoa(len(c.nodes)))
	}
	return c.startProcess(n, args, c.setup.NodeFlags)
}

// startProcess starts a node or a front-end: what both are told, and what it alone is.
func (c *cluster) startProcess(n *node, args, last []string) (err error) {
	args = append(args, "--http", n.http, "--private", n.private, "--secret-file", c.secretFile,
		"--peer-secret-file", c.peerSecretFile(), "--log-format", "json", "--user-requests-per-second", "0")
	environment := OwnEnvironment()
	if c.pointFile != "" {
		environment = append(environment, failpoint.Variable+"="+c.pointFile)
	}
	n.process, err = procs.Start(procs.Config{Name: n.id, Path: c.setup.Program, Args: append(args, last...), Env: environment,
		LogPath: filepath.Join(c.dir, n.id+".log")})
	return err
}

// stopMax is how long a node may take to stop.
const stopMax = 20 * time.Second

// terminate ends the processes, the front-ends first, and waits for them; the data stays.
func (c *cluster) terminate() error {
	return errors.Join(terminate(c.frontEnds), terminate(c.nodes))
}

func terminate(nodes []*node) error {
	var group errgroup.Group
	for _, n := range nodes {
		p := n.process
		if n.process = nil; p == nil {
			continue
		}
		group.Go(func() error {
			code, err := p.Stop(stopMax)
			if err == nil && code != 0 {
				err = fmt.Errorf("node %s ended with exit code %d", n.id, code)
			}
			return err
		})
	}
	return group.Wait()
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

// awaitReady waits until a process takes requests.
func (c *cluster) awaitReady(ctx context.Context, n *node, limit time.Duration) error {
	isReady := func() bool { _, err := n.get(ctx, "/readyz"); return err == nil }
	if !until(ctx, limit, 2*time.Millisecond, isReady) {
		return errors.Join(ctx.Err(), fmt.Errorf("%s is not ready after %v%s", n.id, limit, c.lastLogs()))
	}
	return nil
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
