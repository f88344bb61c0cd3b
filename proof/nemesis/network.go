package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// The network is a bridge in the namespace that this process runs in, and a namespace
// with one address for each host.
const (
	bridgeName = "bridge0"
	bridgeHost = "10.9.0.254"
)

// hostAddress returns the address of a host by its number.
func hostAddress(i int) string { return fmt.Sprintf("10.9.0.%d", i+1) }

// host is one machine, as far as the network can tell.
type host struct {
	namespace, address string
}

// newBridge makes the bridge; the process must have a network of its own.
func newBridge() error {
	return each(
		"mount -t tmpfs tmpfs /run", // ip keeps its names there
		"ip link set lo up",
		"ip link add "+bridgeName+" type bridge",
		"ip address add "+bridgeHost+"/24 dev "+bridgeName,
		"ip link set "+bridgeName+" up",
	)
}

// newHost connects another host with the bridge.
func newHost(i int) (*host, error) {
	h := &host{namespace: fmt.Sprintf("host%d", i), address: hostAddress(i)}
	outer := fmt.Sprintf("outer%d", i)
	return h, each(
		"ip netns add "+h.namespace,
		"ip link add "+outer+" type veth peer name eth0 netns "+h.namespace,
		"ip link set "+outer+" master "+bridgeName+" up",
		"ip -n "+h.namespace+" address add "+h.address+"/24 dev eth0",
		"ip -n "+h.namespace+" link set eth0 up",
		"ip -n "+h.namespace+" link set lo up",
	)
}

// cut lets nothing that h sends reach another host.
func (h *host) cut(to *host) error {
	return each("ip -n " + h.namespace + " route add blackhole " + to.address + "/32")
}

// heal takes a cut back.
func (h *host) heal(to *host) error {
	return each("ip -n " + h.namespace + " route del blackhole " + to.address + "/32")
}

// weather is what befalls the packets of a host: what it sends waits in the queue of a
// narrow link, for longer the more there is, and is dropped when it would wait for too
// long; what it is sent is lost by chance.
type weather struct {
	rateKbit, queueMillis, lossPercent int
}

// begin makes the weather on a device, by tc's token bucket and by nftables, which more
// kernels have than netem; in says where, as a command's beginning. Packets are lost where
// they arrive: a sender would be told of those that do not leave.
func (w weather) begin(in, device string) error {
	return each(
		fmt.Sprintf("%stc qdisc add dev %s root tbf rate %dkbit burst 3000 latency %dms", in, device, w.rateKbit, w.queueMillis),
		in+"nft add table inet weather",
		in+"nft add chain inet weather lose { type filter hook input priority 0 ; }",
		fmt.Sprintf("%snft add rule inet weather lose iifname %s numgen random mod 100 < %d drop", in, device, w.lossPercent),
	)
}

func endWeather(in, device string) error {
	return each(in+"nft delete table inet weather", in+"tc qdisc del dev "+device+" root")
}

func (h *host) disturb(w weather) error { return w.begin("ip netns exec "+h.namespace+" ", "eth0") }

func (h *host) calm() error { return endWeather("ip netns exec "+h.namespace+" ", "eth0") }

// each runs commands until one fails.
func each(commands ...string) error {
	for _, line := range commands {
		words := strings.Fields(line)
		if output, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil { // our own words
			return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(output)))
		}
	}
	return nil
}
