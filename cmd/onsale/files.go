package main

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"onsale/api"
)

// filesReserved is how many files are kept for logs, journal, snapshots, peers and
// operators: a node that cannot open the next segment of its log must stop.
const filesReserved = 400

// boundFiles lowers the bounds of buyers' connections and event streams, in proportion,
// to what the limit of open files (ulimit -n) leaves: each takes one.
func boundFiles(c *api.Config, log *slog.Logger) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		log.Warn("cannot read the limit of open files", "error", err)
		return
	}
	connections, streams := shareFiles(limit.Cur, c.ConnectionsMax, c.StreamsMax)
	if connections == c.ConnectionsMax && streams == c.StreamsMax {
		return
	}
	log.Warn("fewer connections than configured: raise the limit of open files (ulimit -n, LimitNOFILE)", "open-files", limit.Cur,
		"connections-max", connections, "streams-max", streams)
	c.ConnectionsMax, c.StreamsMax = connections, streams
}

// shareFiles returns how many connections and streams there may be, of those wanted,
// when so many files may be open.
func shareFiles(limit uint64, connections, streams int) (int, int) {
	left := limit - min(filesReserved, limit/2)
	wanted := uint64(connections) + uint64(streams)
	if wanted <= left {
		return connections, streams
	}
	streams = int(uint64(streams) * left / wanted)
	return max(1, int(left)-streams), streams
}
