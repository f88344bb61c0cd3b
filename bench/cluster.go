package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsale/internal/failpoint"
	"onsale/internal/procs"
)

// cluster is a set of processes that this program started, with their data.
type cluster struct {
	dir        string
	secretFile string
	nodes      []*node
	flags      []string // that every node is started with
	pointFile  string   // of their failpoints; "" for none
}

// startCluster starts nodes of this very program on free loopback ports, with
// data in a new folder below parent ("" is the system's), and waits until one
// leads. Users may ask as often as they like, unless flags say otherwise.
func startCluster(ctx context.Context, program, parent string, count int, secret []byte, flags ...string) (*cluster, error) {
	c, err := planCluster(parent, count, secret, flags...)
	if err != nil {
		return nil, err
	}
	return c, c.begin(ctx, program)
}

// planCluster makes the folder of a cluster whose nodes are not started.
func planCluster(parent string, count int, secret []byte, flags ...string) (*cluster, error) {
	dir, err := os.MkdirTemp(parent, "onsale-bench-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, secretFile: filepath.Join(dir, "secret"), flags: flags}
	if err := os.WriteFile(c.secretFile, secret, 0o600); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	if err := c.plan(count, secret); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// slowDisks makes every append to the log of the nodes, which were not started yet, take
// so much longer.
func (c *cluster) slowDisks(program string, delay time.Duration) error {
	if !failpoint.In(program) {
		return fmt.Errorf("%w: a disk can be made slow only in a program with failpoints (make broken)", ErrOptions)
	}
	c.pointFile = filepath.Join(c.dir, "failpoint")
	return os.WriteFile(c.pointFile, []byte(failpoint.Delay(failpoint.LogAppendBefore, delay)), 0o600)
}

// begin starts the nodes and waits until one leads; when it fails, all is removed.
func (c *cluster) begin(ctx context.Context, program string) error {
	for _, n := range c.nodes {
		if err := c.start(program, n); err != nil {
			return errors.Join(err, c.stop())
		}
	}
	if _, err := c.leader(ctx); err != nil {
		return errors.Join(err, c.stop())
	}
	return nil
}

// plan gives every node its addresses.
func (c *cluster) plan(count int, secret []byte) error {
	token, err := operatorToken(secret)
	if err != nil {
		return err
	}
	for i := range count {
		id := "n" + strconv.Itoa(i+1)
		n := &node{id: id, dataDir: filepath.Join(c.dir, id), token: token}
		for _, address := range []*string{&n.http, &n.private, &n.peer} {
			if *address, err = procs.FreeAddress(); err != nil {
				return err
			}
		}
		c.nodes = append(c.nodes, n)
	}
	return nil
}

// peers returns where the nodes reach each other.
func (c *cluster) peers() []string {
	var addresses []string
	for _, n := range c.nodes {
		addresses = append(addresses, n.peer)
	}
	return addresses
}

func (c *cluster) start(program string, n *node) (err error) {
	args := []string{"serve", "--data-dir", n.dataDir, "--node-id", n.id, "--http", n.http, "--private", n.private,
		"--peer", n.peer, "--secret-file", c.secretFile, "--log-format", "json", "--user-requests-per-second", "0"}
	if len(c.nodes) > 1 {
		args = append(args, "--join", strings.Join(c.peers(), ","), "--bootstrap-expect", strconv.Itoa(len(c.nodes)))
	}
	environment := OwnEnvironment()
	if c.pointFile != "" {
		environment = append(environment, failpoint.Variable+"="+c.pointFile)
	}
	n.process, err = procs.Start(procs.Config{Name: n.id, Path: program, Args: append(args, c.flags...), Env: environment,
		LogPath: filepath.Join(c.dir, n.id+".log")})
	return err
}

// OwnEnvironment is this process's without settings for another server.
func OwnEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "ONSALE_") })
}

// electionMax bounds the wait for a leader.
const electionMax = 30 * time.Second

// leader waits for the node that takes requests.
func (c *cluster) leader(ctx context.Context) (*node, error) {
	for deadline := time.Now().Add(electionMax); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		for _, n := range c.nodes {
			s, err := n.status(ctx)
			if err == nil && s.Role == "leader" {
				return n, nil
			}
		}
	}
	return nil, fmt.Errorf("no node took office within %v%s", electionMax, c.lastLogs())
}

// converge waits until all nodes have decided the same and compares their hashes.
// It returns one line for each node.
func (c *cluster) converge(ctx context.Context) ([]nodeStatus, error) {
	var all []nodeStatus
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		all = all[:0]
		same := true
		for _, n := range c.nodes {
			s, err := n.status(ctx)
			same = same && err == nil && (len(all) == 0 || s.Seq == all[0].Seq && s.JournalHash == all[0].JournalHash)
			all = append(all, s)
		}
		if same {
			break
		}
	}
	for _, s := range all {
		if s.Seq != all[0].Seq || s.StateHash != all[0].StateHash || s.JournalHash != all[0].JournalHash {
			return all, fmt.Errorf("%w: %+v", errReplicasDiffer, all)
		}
	}
	return all, ctx.Err()
}

// errReplicasDiffer is returned when nodes do not come to the same state.
var errReplicasDiffer = errors.New("replicas differ")

// lastLogs returns the ends of the nodes' logs, for an error message.
func (c *cluster) lastLogs() string {
	var text strings.Builder
	for _, n := range c.nodes {
		if n.process != nil {
			output := n.process.Output()
			fmt.Fprintf(&text, "\n%s: …%s", n.id, output[max(0, len(output)-1000):])
		}
	}
	return text.String()
}
