package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// startRedis starts a private server with its data in dir, reached by the unix socket
// that is returned. The log of writes is synced before answers leave (always), or once
// a second; nothing else writes meanwhile.
func startRedis(dir, appendfsync string) (*process, string, error) {
	program, err := find("redis-server", "redis-server")
	if err != nil {
		return nil, "", err
	}
	socket := filepath.Join(dir, "redis.sock")
	command := exec.Command(program, "--port", "0", "--unixsocket", socket, "--dir", dir, "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", appendfsync, "--no-appendfsync-on-rewrite", "no", "--auto-aof-rewrite-percentage", "0", "--save", "",
		"--io-threads", "1", "--maxclients", "1000", "--logfile", "")
	p, err := startProcess(command, syscall.SIGTERM, filepath.Join(dir, "redis.log"))
	if err != nil {
		return nil, "", err
	}
	return p, socket, p.awaitSocket(socket)
}

func (p *process) awaitSocket(path string) error {
	return p.await(func() error {
		conn, err := net.Dial("unix", path)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
}

// postgresSettings differ from PostgreSQL's own: memory and log sized so that no
// checkpoint falls into a run, no network, and nothing that makes a commit less durable.
var postgresSettings = []string{
	"listen_addresses=", "max_connections=64", "shared_buffers=1GB", "wal_buffers=64MB", "max_wal_size=8GB", "checkpoint_timeout=1h",
	"synchronous_commit=on", "fsync=on", "full_page_writes=on", "wal_level=minimal", "max_wal_senders=0", "jit=off", "track_activities=off",
}

// startPostgres starts a private server with its data in dir, and returns how to
// connect to it.
func startPostgres(dir string) (*process, string, error) {
	initdb, err := find("initdb", "postgresql")
	if err != nil {
		return nil, "", err
	}
	program, err := find("postgres", "postgresql")
	if err != nil {
		return nil, "", err
	}
	credential, err := unprivileged(dir)
	if err != nil {
		return nil, "", err
	}
	attributes := func() *syscall.SysProcAttr { return &syscall.SysProcAttr{Credential: credential} }
	data := filepath.Join(dir, "data")
	init := exec.Command(initdb, "--pgdata", data, "--username", "bench", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	init.Dir, init.SysProcAttr = dir, attributes()
	if output, err := init.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("initdb: %w: %s", err, output)
	}
	command := exec.Command(program, "-D", data, "-k", dir)
	for _, setting := range postgresSettings {
		command.Args = append(command.Args, "-c", setting)
	}
	command.Dir, command.SysProcAttr = dir, attributes()
	p, err := startProcess(command, syscall.SIGINT, filepath.Join(dir, "postgres.log"))
	if err != nil {
		return nil, "", err
	}
	address := fmt.Sprintf("host=%s port=5432 user=bench dbname=postgres sslmode=disable", dir) // the port only names the socket: none is taken
	return p, address, p.await(func() error { return connects(address) })
}

// connects returns nil when PostgreSQL takes connections; its socket is there before.
func connects(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// makeDir makes a folder that another user may pass through, below parent ("" is the
// system's).
func makeDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "onsale-peer-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755) //nolint:gosec // what is secret in it has its own mode
}
