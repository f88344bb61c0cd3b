package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/internal/secretfile"
	"onsale/raftfsm"
)

// The hosts by number: nodes, then front-ends, the provider, the node that joins and leaves,
// and the lone one.
const (
	nodeCount     = 3
	frontEndCount = 2
	// diskMiB is the size of each node's disk, in memory. An hour's journal is about one
	// GiB, and a journal is kept.
	diskMiB = 8 << 10
)

// stage is all processes of a run.
type stage struct {
	dir, program   string
	secret         []byte
	secretFile     string // of tokens and the provider
	peerSecretFile string

	nodes, frontEnds []*process // the fourth node is the one that joins and leaves
	provider         *process
	lone             *process // a cluster of its own
}

// newStage makes the network, the disks and the processes' plans below dir.
func newStage(dir, program string) (*stage, error) {
	secret := []byte(hex.EncodeToString(random(32)))
	s := &stage{dir: dir, program: program, secret: secret, secretFile: filepath.Join(dir, "secret")}
	s.peerSecretFile = filepath.Join(dir, "peer-secret")
	if err := errors.Join(os.WriteFile(s.secretFile, secret, 0o600), secretfile.Make(s.peerSecretFile)); err != nil {
		return nil, err
	}
	if err := newBridge(); err != nil {
		return nil, err
	}
	var hosts []*host
	for i := range nodeCount + frontEndCount + 3 {
		h, err := newHost(i)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, h)
	}
	s.provider = s.plan("provider", hosts[nodeCount+frontEndCount], "sandbox", "--listen", hosts[nodeCount+frontEndCount].address+":8501",
		"--books", filepath.Join(dir, "books.jsonl"), "--payment-secret-file", s.secretFile, "--webhook", "http://"+hosts[nodeCount].address+":8101")
	for i := range nodeCount {
		s.nodes = append(s.nodes, s.planNode(fmt.Sprintf("n%d", i+1), hosts[i], append(s.memberArgs(), "--bootstrap-expect", fmt.Sprint(nodeCount))...))
	}
	s.nodes = append(s.nodes, s.planNode("n4", hosts[nodeCount+frontEndCount+1], append(s.memberArgs(), "--stable-time", "500ms")...))
	s.lone = s.planNode("n5", hosts[nodeCount+frontEndCount+2])
	for i := range frontEndCount {
		h := hosts[nodeCount+i]
		s.frontEnds = append(s.frontEnds, s.plan(fmt.Sprintf("f%d", i+1), h, "frontend", "--id", fmt.Sprintf("f%d", i+1), "--cluster", s.peers(),
			"--http", h.address+":8101", "--private", h.address+":8201", "--secret-file", s.secretFile, "--peer-secret-file", s.peerSecretFile, "--insecure",
			"--user-requests-per-second", "0", "--pay-wait", "3s"))
	}
	for _, n := range append([]*process{s.lone}, s.nodes...) {
		if err := each("mkdir -p "+s.disk(n), fmt.Sprintf("mount -t tmpfs -o size=%dm tmpfs %s", diskMiB, s.disk(n))); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func random(bytes int) []byte {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

func (s *stage) plan(name string, h *host, args ...string) *process {
	return &process{name: name, host: h, program: s.program, args: args, logPath: filepath.Join(s.dir, name+".log"), pointFile: filepath.Join(s.dir, name+".failpoint"), clockFile: filepath.Join(s.dir, name+".clock")}
}

func (s *stage) planNode(name string, h *host, more ...string) *process {
	args := []string{"serve", "--node-id", name, "--data-dir", filepath.Join(s.dir, name, "data"), "--peer", h.address + ":7101",
		"--http", h.address + ":8101", "--private", h.address + ":8201", "--secret-file", s.secretFile,
		"--peer-secret-file", s.peerSecretFile, "--insecure", "--user-requests-per-second", "0", "--pay-wait", "3s", "--snapshot-entries", "20000", "--outage-grace", outageGrace.String(), "--log-format", "text"}
	return s.plan(name, h, append(args, more...)...)
}

// memberArgs are what the nodes of the cluster have, and the lone one has not.
func (s *stage) memberArgs() []string {
	return []string{"--join", s.peers(), "--payment", "sandbox", "--payment-url", "http://" + s.provider.host.address + ":8501", "--payment-secret-file", s.secretFile}
}

// peers returns the first nodes' addresses, which newcomers ask.
func (s *stage) peers() string {
	var all []string
	for i := range nodeCount {
		all = append(all, hostAddress(i)+":7101")
	}
	return strings.Join(all, ",")
}

func (s *stage) disk(n *process) string { return filepath.Join(s.dir, n.name) }

func (s *stage) journal(n *process) string { return filepath.Join(s.disk(n), "data", "journal") }

// voters returns the three nodes that are always meant to be there.
func (s *stage) voters() []*process { return s.nodes[:nodeCount] }

func (s *stage) all() []*process {
	return append(append(append([]*process{}, s.nodes...), s.frontEnds...), s.provider, s.lone)
}

// doors returns the addresses at which buyers are served.
func (s *stage) doors() []string {
	var all []string
	for _, p := range append(append([]*process{}, s.frontEnds...), s.voters()...) {
		all = append(all, p.host.address+":8101")
	}
	return all
}

func (s *stage) token(user string, roles auth.Roles) (string, error) {
	now := time.Now()
	return auth.Issue(s.secret, auth.Claims{User: user, Roles: roles, Issuer: "onsale", Audience: "onsale",
		Issued: now.Add(-time.Minute), Expires: now.Add(24 * time.Hour)})
}

// seller returns a seller's and operator's client of a node.
func (s *stage) seller(n *process) (*client.Seller, error) {
	token, err := s.token("operator", auth.RoleSeller|auth.RoleOperator|auth.RoleAuditor)
	if err != nil {
		return nil, err
	}
	return client.NewSeller(client.Config{Address: n.host.address + ":8201", Token: token, HTTP: &http.Client{Timeout: 5 * time.Second}})
}

func (s *stage) status(ctx context.Context, n *process) (status raftfsm.Status, err error) {
	if n.isDead() {
		return status, errors.New("it does not run")
	}
	seller, err := s.seller(n)
	if err != nil {
		return status, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	raw, err := seller.Node(ctx)
	if err == nil {
		err = json.Unmarshal(raw, &status)
	}
	return status, err
}

// leader returns the node that leads, nil when none says so now.
func (s *stage) leader(ctx context.Context) *process {
	var found *process
	term := uint64(0)
	for _, n := range s.nodes {
		if status, err := s.status(ctx, n); err == nil && status.Role == "leader" && status.Term > term {
			found, term = n, status.Term
		}
	}
	return found
}

// awaitLeader waits until a node leads.
func (s *stage) awaitLeader(ctx context.Context, limit time.Duration) (*process, error) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if leader := s.leader(ctx); leader != nil {
			return leader, nil
		}
	}
	return nil, fmt.Errorf("no leader within %v", limit)
}
