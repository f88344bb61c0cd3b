package main

import (
	"context"
	"net"
	"path/filepath"
	"time"

	"onsale/internal/procs"
	"onsale/proof/testenv/postgres"
)

const (
	// startMax is how long a peer may take until it answers.
	startMax = time.Minute
	// stopMax is how long a process may take to end before it is made to.
	stopMax = 20 * time.Second
)

// startRedis returns what starts a private server with its data in a folder, reached by the
// unix socket that is returned. The log of writes is synced before answers leave (always), or once
// a second; nothing else writes meanwhile.
func startRedis(appendfsync string) func(context.Context, string) (*procs.Process, string, error) {
	return func(ctx context.Context, dir string) (*procs.Process, string, error) {
		program, err := postgres.Find("redis-server", "redis-server")
		if err != nil {
			return nil, "", err
		}
		socket := filepath.Join(dir, "redis.sock")
		p, err := procs.Start(procs.Config{Path: program, LogPath: filepath.Join(dir, "redis.log"), Args: []string{
			"--port", "0", "--unixsocket", socket, "--dir", dir, "--daemonize", "no", "--appendonly", "yes",
			"--appendfsync", appendfsync, "--no-appendfsync-on-rewrite", "no", "--auto-aof-rewrite-percentage", "0",
			"--save", "", "--io-threads", "1", "--maxclients", "1000", "--logfile", ""}})
		if err != nil {
			return nil, "", err
		}
		return p, socket, p.Await(ctx, func(ctx context.Context) error {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "unix", socket)
			if err == nil {
				err = conn.Close()
			}
			return err
		})
	}
}
