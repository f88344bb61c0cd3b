//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// network is one bridge, with a machine's namespace at each of its ports. Names and
// addresses are this run's own.
type network struct {
	tag    string // of names; short, for names of devices have 15 bytes
	prefix string // of addresses, with the last point
}

func newNetwork() (*network, error) {
	pid := os.Getpid()
	n := &network{tag: fmt.Sprintf("d%d", pid), prefix: fmt.Sprintf("10.%d.%d.", 64+pid>>8&127, pid&255)}
	return n, run("ip link add "+n.bridge()+" type bridge", "ip addr add "+n.prefix+"1/24 dev "+n.bridge(), "ip link set "+n.bridge()+" up")
}

func (n *network) bridge() string { return n.tag + "b" }

// close takes away what newNetwork and machines made.
func (n *network) close() { _ = run("ip link del " + n.bridge()) } // what is left is said by `ip link`

// machine is a namespace. One fault at a time is done to it.
type machine struct {
	name    string
	network *network
	number  int
	mu      sync.Mutex // guards address
	host    int        // last byte of the address
	busy    sync.Mutex // held by the fault that is done to it
}

func (n *network) machine(name string, number int) (*machine, error) {
	m := &machine{name: name, network: n, number: number, host: 10 + number}
	return m, run("ip netns add "+m.space(), fmt.Sprintf("ip link add %s type veth peer name eth0 netns %s", m.port(), m.space()),
		fmt.Sprintf("ip link set %s master %s up", m.port(), n.bridge()), m.inside("ip addr add "+m.at()+"/24 dev eth0"),
		m.inside("ip link set eth0 up"), m.inside("ip link set lo up"))
}

func (m *machine) space() string { return m.network.tag + m.name }
func (m *machine) port() string  { return m.network.tag + "v" + fmt.Sprint(m.number) }

// inside is a command that runs in the machine.
func (m *machine) inside(command string) string { return "ip netns exec " + m.space() + " " + command }

// at returns the machine's address.
func (m *machine) at() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.network.prefix + fmt.Sprint(m.host)
}

// move gives the machine another address.
func (m *machine) move() error {
	old := m.at()
	m.mu.Lock()
	m.host = 10 + (m.host-10+50)%200 // fifty machines at most
	m.mu.Unlock()
	return run(m.inside("ip addr del "+old+"/24 dev eth0"), m.inside("ip addr add "+m.at()+"/24 dev eth0"))
}

func (m *machine) unplug() error { return run("ip link set " + m.port() + " down") }
func (m *machine) plug() error   { return run("ip link set " + m.port() + " up") }

// nobody is a hardware address that no machine has.
const nobody = "02:00:00:00:de:ad"

// deafen keeps what this machine sends from another: it goes to a hardware address that
// nobody has, so that nothing is refused.
func (m *machine) deafen(other *machine) error {
	return run(m.inside("ip neigh replace " + other.at() + " lladdr " + nobody + " nud permanent dev eth0"))
}

func (m *machine) undeafen(address string) error {
	return run(m.inside("ip neigh del " + address + " dev eth0"))
}

func (m *machine) close() { _ = run("ip netns del " + m.space()) } // its port goes with it

// run runs commands of words one after the other.
func run(commands ...string) error {
	for _, c := range commands {
		words := strings.Fields(c)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", c, err, out)
		}
	}
	return nil
}
