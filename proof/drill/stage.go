//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// stage is everything that runs.
type stage struct {
	dir, program string
	network      *network
	nodes        []*process // three, and the one that joins and leaves
	frontEnds    []*process
	provider     *process
	disks        []*disk
	operator     string // token

	mu       sync.Mutex
	moved    sync.RWMutex // held for writing while addresses change
	falls    []fall
	lastDisk time.Time // when a disk was last full; zero for never
	leaving  string    // name of the node that is being removed
}

// fall is an end that nobody asked for.
type fall struct {
	name    string
	code    int
	excused bool // by a full disk, or by its removal
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// newStage makes machines, disks and secrets, and starts what is always there.
func newStage(dir, program string) (s *stage, err error) {
	s = &stage{dir: dir, program: program}
	if err := s.onsale("secret", s.path("token-secret"), s.path("peer-secret"), s.path("payment-secret")); err != nil {
		return s, err
	}
	if s.network, err = newNetwork(); err != nil {
		return s, err
	}
	names := []string{"n1", "n2", "n3", "n4", "f1", "f2", "p"}
	for i, name := range names {
		m, err := s.network.machine(name, i)
		if err != nil {
			return s, err
		}
		s.place(&process{machine: m, program: program, log: s.path(name + ".log"), fell: s.fell})
	}
	for _, n := range s.nodes {
		d, err := newDisk(s.path(n.name))
		if err != nil {
			return s, err
		}
		s.disks = append(s.disks, d)
	}
	if s.operator, err = s.token("operator", "seller", "operator"); err != nil {
		return s, err
	}
	return s, s.begin()
}

func (s *stage) place(p *process) {
	switch p.name[0] {
	case 'n':
		p.args = func() []string { return s.nodeArgs(p) }
		s.nodes = append(s.nodes, p)
	case 'f':
		p.args = func() []string { return s.frontEndArgs(p) }
		s.frontEnds = append(s.frontEnds, p)
	default:
		p.args = func() []string { return s.providerArgs(p) }
		s.provider = p
	}
}

func (s *stage) begin() error {
	err := s.provider.start()
	for _, n := range s.voters() {
		err = errors.Join(err, n.start())
	}
	err = errors.Join(err, s.tellFrontEnds())
	for _, f := range s.frontEnds {
		err = errors.Join(err, f.start())
	}
	return err
}

// voters are the nodes that are always there.
func (s *stage) voters() []*process { return s.nodes[:3] }

func (s *stage) all() []*process {
	return append(append(append([]*process{}, s.nodes...), s.frontEnds...), s.provider)
}

// close ends all processes and takes the machines away.
func (s *stage) close() {
	var group sync.WaitGroup
	for _, p := range s.all() {
		group.Go(func() {
			p.signal(18) // SIGCONT: it may be paused
			p.down(15)
			p.close()
		})
	}
	group.Wait()
	for _, d := range s.disks {
		d.close()
	}
	if s.network != nil {
		s.network.close()
	}
}

func (s *stage) common(p *process) []string {
	return []string{"--http", p.at() + ":8101", "--private", p.at() + ":8201", "--secret-file", s.path("token-secret"),
		"--peer-secret-file", s.path("peer-secret"), "--insecure", "--user-requests-per-second", "0", "--pay-wait", "3s"}
}

func (s *stage) nodeArgs(p *process) []string {
	args := append([]string{"serve", "--node-id", p.name, "--data-dir", s.data(p), "--peer", p.at() + ":7101", "--join", strings.Join(s.peers(), ","),
		"--snapshot-entries", "5000", "--disk-reserve-bytes", "67108864", "--stable-time", "1s", "--payment", "sandbox",
		"--payment-url", "http://" + s.provider.at() + ":8501", "--payment-secret-file", s.path("payment-secret")}, s.common(p)...)
	if p.name != "n4" {
		args = append(args, "--bootstrap-expect", "3")
	}
	return args
}

func (s *stage) data(p *process) string { return filepath.Join(s.dir, p.name, "data") }

func (s *stage) frontEndArgs(p *process) []string {
	return append([]string{"frontend", "--id", p.name, "--config", s.path("frontend.toml")}, s.common(p)...)
}

func (s *stage) providerArgs(p *process) []string {
	return []string{"sandbox", "--listen", p.at() + ":8501", "--books", s.path("books.jsonl"), "--payment-secret-file", s.path("payment-secret"),
		"--webhook", "http://" + s.frontEnds[0].at() + ":8101"}
}

func (s *stage) peers() (addresses []string) {
	for _, n := range s.voters() {
		addresses = append(addresses, n.at()+":7101")
	}
	return addresses
}

// tellFrontEnds writes where the nodes are into the front-ends' file, which they read again
// by themselves.
func (s *stage) tellFrontEnds() error {
	text := fmt.Sprintf("[clusters.main]\nnumber = 0\nnodes = [\"%s\"]\n", strings.Join(s.peers(), "\", \""))
	file := s.path("frontend.toml")
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// doors are where buyers are served.
func (s *stage) doors() []*process {
	return append(append([]*process{}, s.frontEnds...), s.voters()...)
}

// onsale runs the command line.
func (s *stage) onsale(args ...string) error {
	_, err := s.ask(args...)
	return err
}

// commandMax bounds a command.
const commandMax = 40 * time.Second

func (s *stage) ask(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandMax)
	defer cancel()
	c := exec.CommandContext(ctx, s.program, args...)
	var failed strings.Builder
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("onsale %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(failed.String()))
	}
	return string(out), err
}

func (s *stage) token(user string, roles ...string) (string, error) {
	out, err := s.ask("token", "--user", user, "--secret-file", s.path("token-secret"), "--role", strings.Join(roles, ","))
	return strings.TrimSpace(out), err
}

// tokens are those of user-1 to user-count.
func (s *stage) tokens(user string, count int) ([]string, error) {
	out, err := s.ask("token", "--user", user, "--count", fmt.Sprint(count), "--secret-file", s.path("token-secret"), "--lifetime", "12h")
	all := strings.Fields(out)
	if err == nil && len(all) != count {
		err = fmt.Errorf("onsale token made %d tokens of %d", len(all), count)
	}
	return all, err
}

// role is what a node says of itself; "" when it says nothing.
func (s *stage) role(n *process) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.at()+":8201/v1/node", nil)
	if err != nil {
		return ""
	}
	request.Header.Set("Authorization", "Bearer "+s.operator)
	told, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer told.Body.Close()
	var is struct{ Role string }
	_ = json.NewDecoder(told.Body).Decode(&is) // no role then
	return is.Role
}

// leader is a node that says that it leads; nil for none.
func (s *stage) leader() *process {
	for _, n := range s.nodes {
		if s.role(n) == "leader" {
			return n
		}
	}
	return nil
}

// private is the private listener of a node that leads, or of any.
func (s *stage) private() string {
	if n := s.leader(); n != nil {
		return n.at() + ":8201"
	}
	return s.nodes[0].at() + ":8201"
}

// diskExcuse is for how long after a full disk a node may end by itself.
const diskExcuse = 40 * time.Second

func (s *stage) fell(name string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	excused := name == s.leaving || time.Since(s.lastDisk) < diskExcuse
	s.falls = append(s.falls, fall{name, code, excused})
}

func (s *stage) noteFullDisk() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastDisk = time.Now()
}
