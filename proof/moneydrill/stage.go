package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"crypto/rand"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/internal/procs"
	"onsale/internal/secretfile"
)

const (
	nodeCount = 3
	// requestMax bounds one request of a buyer or the seller.
	requestMax = 15 * time.Second
	// commandMax bounds one command line: reconciliation reads all books twice.
	commandMax = 2 * time.Minute
	// readyMax is within what a process must answer that was started.
	readyMax = time.Minute
)

// stage is everything that runs.
type stage struct {
	dir, program string
	secret       []byte // of tokens and of the provider
	secretFile   string
	web          *http.Client
	nodes        []*process
	frontEnd     *process
	provider     *provider
}

// newStage plans all processes below a folder; nothing runs yet.
func newStage(dir, program string) (*stage, error) {
	s := &stage{dir: dir, program: program, secretFile: filepath.Join(dir, "secret")}
	s.web = &http.Client{Timeout: requestMax, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 20 * time.Second}}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	s.secret = []byte(hex.EncodeToString(key))
	peerSecretFile := filepath.Join(dir, "peer-secret")
	if err := errors.Join(os.WriteFile(s.secretFile, s.secret, 0o600), secretfile.Make(peerSecretFile)); err != nil {
		return nil, err
	}

	var err error
	address := func() string {
		at, failed := procs.FreeAddress()
		err = errors.Join(err, failed)
		return at
	}
	plan := func(name string) *process {
		return &process{name: name, program: program, log: filepath.Join(dir, name+".log"), http: address(), private: address()}
	}
	s.frontEnd = plan("f1")
	s.provider = newProvider(plan("provider"), dir)
	s.provider.args = func() []string { return s.provider.arguments(s.secretFile, s.frontEnd.http) }
	s.planNodes(plan, address, peerSecretFile)
	return s, errors.Join(err, makeFolder(s.provider.folder))
}

func (s *stage) planNodes(plan func(string) *process, address func() string, peerSecretFile string) {
	var peers []string
	for range nodeCount {
		peers = append(peers, address())
	}
	common := func(p *process) []string {
		return []string{"--http", p.http, "--private", p.private, "--secret-file", s.secretFile, "--peer-secret-file", peerSecretFile,
			"--insecure", "--user-requests-per-second", "0", "--pay-wait", "3s", "--log-format", "text"}
	}
	for i := range nodeCount {
		n := plan(fmt.Sprintf("n%d", i+1))
		args := append([]string{"serve", "--node-id", n.name, "--data-dir", filepath.Join(s.dir, n.name), "--peer", peers[i],
			"--join", strings.Join(peers, ","), "--bootstrap-expect", fmt.Sprint(nodeCount), "--snapshot-entries", "5000",
			"--payment", "sandbox", "--payment-url", "http://" + s.provider.http, "--payment-secret-file", s.secretFile}, common(n)...)
		n.args = func() []string { return args }
		s.nodes = append(s.nodes, n)
	}
	args := append([]string{"frontend", "--id", "f1", "--cluster", strings.Join(peers, ",")}, common(s.frontEnd)...)
	s.frontEnd.args = func() []string { return args }
}

func makeFolder(path string) error { return os.MkdirAll(path, 0o750) }

func (s *stage) all() []*process {
	return append(append([]*process{}, s.nodes...), s.frontEnd, s.provider.process)
}

// start starts everything, and waits until it sells.
func (s *stage) start(ctx context.Context) error {
	for _, p := range append([]*process{s.provider.process}, s.nodes...) {
		if err := p.start(); err != nil {
			return err
		}
	}
	if err := s.frontEnd.start(); err != nil {
		return err
	}
	return s.ready(ctx)
}

// ready waits until every node and the front-end says so.
func (s *stage) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyMax)
	defer cancel()
	for _, p := range append([]*process{s.frontEnd}, s.nodes...) {
		if err := p.await(ctx, s.web); err != nil {
			return err
		}
	}
	return nil
}

// close ends all processes.
func (s *stage) close() {
	for _, p := range s.all() {
		p.kill()
	}
}

// doors are where buyers are served.
func (s *stage) doors() []string {
	all := []string{s.frontEnd.http}
	for _, n := range s.nodes {
		all = append(all, n.http)
	}
	return all
}

// token is a user's for longer than any run.
func (s *stage) token(user string, roles auth.Roles) (string, error) {
	now := time.Now()
	return auth.Issue(s.secret, auth.Claims{User: user, Roles: roles, Issuer: "onsale", Audience: "onsale",
		Issued: now.Add(-time.Minute), Expires: now.Add(24 * time.Hour)})
}

func (s *stage) buyer(user, door string) (*client.Client, error) {
	token, err := s.token(user, 0)
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{Address: door, Token: token, HTTP: s.web})
}

// seller is a seller's and operator's client of a node's private listener.
func (s *stage) seller(p *process) (*client.Seller, error) {
	token, err := s.token("seller", auth.RoleSeller|auth.RoleOperator|auth.RoleAuditor)
	if err != nil {
		return nil, err
	}
	return client.NewSeller(client.Config{Address: p.private, Token: token, HTTP: s.web})
}

// leader is the node that says that it leads, in the highest term; nil for none.
func (s *stage) leader(ctx context.Context) *process {
	var found *process
	newest := uint64(0)
	for _, n := range s.nodes {
		if term := s.leads(ctx, n); term > newest {
			found, newest = n, term
		}
	}
	return found
}

// roleMax is within what a node must say what it is: one that is paused does not.
const roleMax = 2 * time.Second

// leads returns the term in which a node says that it leads, 0 when it does not.
func (s *stage) leads(ctx context.Context, n *process) uint64 {
	ctx, cancel := context.WithTimeout(ctx, roleMax)
	defer cancel()
	seller, err := s.seller(n)
	if err != nil {
		return 0
	}
	raw, err := seller.Node(ctx)
	var is struct {
		Role string `json:"role"`
		Term uint64 `json:"term"`
	}
	if err != nil || json.Unmarshal(raw, &is) != nil || is.Role != "leader" {
		return 0
	}
	return is.Term
}

// command runs the command line at a node and returns what it printed. Its exit code may be one
// that only tells of differences.
func (s *stage) command(ctx context.Context, at *process, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandMax)
	defer cancel()
	c := exec.CommandContext(ctx, s.program, append(args, "--private", at.private, "--secret-file", s.secretFile, "-o", "json")...)
	c.SysProcAttr = procs.EndWithParent(nil)
	var failed strings.Builder
	c.Stderr = &failed
	out, err := c.Output()
	if is, exited := errors.AsType[*exec.ExitError](err); exited && is.ExitCode() == exitDifferences {
		return out, nil
	}
	if err != nil {
		err = fmt.Errorf("onsale %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(failed.String()))
	}
	return out, err
}

// exitDifferences is the exit code of payments reconcile and orphans when they found some.
const exitDifferences = 6
