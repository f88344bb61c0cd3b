package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"

	"golang.org/x/sys/unix"
)

const (
	// filesOwn is how many files a process is left for itself: its logs, of which sixteen
	// older segments each stay open, snapshots, connections to peers and to the payment
	// provider. A node that cannot open the next segment of its log must stop.
	filesOwn = 160
	// filesShare is the part of the other files that connections of peers, and those of the
	// private listener, have by default at most.
	filesShare = 8
	// filesSomeMin is how many of them there are at least, whatever the limit.
	filesSomeMin = 8
	// filesBuyersMin is how many files must be left for buyers.
	filesBuyersMin = 16
)

// errFiles is returned when bounds that somebody has set do not fit into the limit of open
// files.
var errFiles = errors.New("the limit of open files (ulimit -n, LimitNOFILE) is too low")

// bound is a setting that bounds open connections, each of which is a file.
type bound struct {
	name  string
	value *int
	told  bool // it was set, and holds
}

// fileBounds are the bounds of what may be open. Peers' is nil for a front-end, which takes
// no calls of peers.
type fileBounds struct {
	peers                         *bound
	private, connections, streams bound
}

// share lowers the bounds that nobody has set, so that all fit into a limit together. What
// was set holds, or it is an error that says what is needed.
func (b *fileBounds) share(limit uint64) error {
	left := int(min(limit, math.MaxInt32)) - filesOwn
	some := []*bound{&b.private}
	if b.peers != nil {
		some = append(some, b.peers)
	}

	needed := filesOwn
	for _, one := range append([]*bound{&b.connections, &b.streams}, some...) {
		if one.told {
			left -= *one.value
			needed += *one.value
		}
	}
	for _, one := range some {
		if !one.told {
			*one.value = min(*one.value, max(filesSomeMin, left/filesShare))
			left -= *one.value
			needed += filesSomeMin
		}
	}
	buyersTold := b.connections.told && b.streams.told
	if !b.connections.told {
		needed += filesBuyersMin
	}
	if left < 0 || !b.connections.told && left < filesBuyersMin {
		return fmt.Errorf("%w: it is %d, and %d are needed:%s %d for the process itself and the least for the rest",
			errFiles, limit, needed, b.told(), filesOwn)
	}
	if !buyersTold {
		b.shareBuyers(left)
	}
	return nil
}

// shareBuyers divides what is left between connections and streams.
func (b *fileBounds) shareBuyers(left int) {
	connections, streams := b.connections.value, b.streams.value
	switch {
	case b.connections.told:
		*streams = min(*streams, left)
	case b.streams.told:
		*connections = min(*connections, left)
	case *connections+*streams > left:
		*streams = int(int64(*streams) * int64(left) / int64(*connections+*streams))
		*connections = left - *streams
	}
}

// told lists what was set, for an error.
func (b *fileBounds) told() (text string) {
	for _, one := range []*bound{&b.connections, &b.streams, &b.private, b.peers} {
		if one != nil && one.told {
			text += fmt.Sprintf(" --%s %d,", one.name, *one.value)
		}
	}
	return text
}

// fileBounds returns the bounds of a front-end.
func (s *processSettings) fileBounds() *fileBounds {
	of := func(name string, value *int) bound { return bound{name, value, s.Told(name)} }
	return &fileBounds{private: of("private-connections-max", &s.Web.PrivateConnectionsMax),
		connections: of("connections-max", &s.Web.ConnectionsMax), streams: of("streams-max", &s.Web.StreamsMax)}
}

// fileBounds returns the bounds of a node.
func (s *settings) fileBounds() *fileBounds {
	b := s.processSettings.fileBounds()
	b.peers = &bound{"peer-connections-max", &s.PeerConnectionsMax, s.Told("peer-connections-max")}
	return b
}

// shareFiles fits the bounds into this process' limit; what nobody has set becomes what
// holds. Go has raised the limit to the highest that the system allows (the hard limit).
func (b *fileBounds) shareFiles() (statement []any, err error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	if err := b.share(limit.Cur); err != nil {
		return nil, err
	}
	statement = []any{"limit", limit.Cur, "own", filesOwn, b.connections.name, *b.connections.value, b.streams.name, *b.streams.value,
		b.private.name, *b.private.value}
	if b.peers != nil {
		statement = append(statement, b.peers.name, *b.peers.value)
	}
	return statement, nil
}

// boundFiles does so at the start, and says what it came to.
func (b *fileBounds) boundFiles(log *slog.Logger) error {
	statement, err := b.shareFiles()
	if err != nil {
		return usage(err)
	}
	log.Info("open files", statement...)
	return nil
}
