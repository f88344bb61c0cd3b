package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"onsale/internal/procs"
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
		program, err := find("redis-server", "redis-server")
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

// postgresSettings differ from PostgreSQL's own: memory and log sized so that no
// checkpoint falls into a run, no network, and nothing that makes a commit less durable.
var postgresSettings = []string{
	"listen_addresses=", "max_connections=64", "shared_buffers=1GB", "wal_buffers=64MB", "max_wal_size=8GB",
	"checkpoint_timeout=1h", "synchronous_commit=on", "fsync=on", "full_page_writes=on", "wal_level=minimal",
	"max_wal_senders=0", "jit=off", "track_activities=off",
}

// startPostgres starts a private server with its data in dir, and returns how to
// connect to it.
func startPostgres(ctx context.Context, dir string) (*procs.Process, string, error) {
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
	data := filepath.Join(dir, "data")
	init := exec.CommandContext(ctx, initdb, "--pgdata", data, "--username", "bench", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	init.Dir, init.SysProcAttr = dir, &syscall.SysProcAttr{Credential: credential}
	if output, err := init.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("initdb: %w: %s", err, output)
	}

	args := []string{"-D", data, "-k", dir}
	for _, setting := range postgresSettings {
		args = append(args, "-c", setting)
	}
	p, err := procs.Start(procs.Config{Path: program, Args: args, Dir: dir, StopSignal: syscall.SIGINT,
		// Killed, it would leave its children and its shared memory behind.
		Attributes: &syscall.SysProcAttr{Credential: credential, Pdeathsig: syscall.SIGQUIT},
		LogPath:    filepath.Join(dir, "postgres.log")})
	if err != nil {
		return nil, "", err
	}
	// The port only names the socket: none is taken. The socket is there before the server answers.
	address := fmt.Sprintf("host=%s port=5432 user=bench dbname=postgres sslmode=disable", dir)
	return p, address, p.Await(ctx, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, address)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// find returns a program of a Debian package; PostgreSQL's are not in the path.
func find(program, debianPackage string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	paths, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if len(paths) == 0 {
		return "", fmt.Errorf("%s is not installed: apt install %s", program, debianPackage)
	}
	return slices.Max(paths), nil
}

// unprivileged gives a directory to a user who is not root, and returns how to become
// that user: PostgreSQL refuses to run as root. It returns nil for who is not root.
func unprivileged(directory string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres") // of the same package
	if err != nil {
		return nil, err
	}
	uid, errUID := strconv.Atoi(account.Uid)
	gid, errGID := strconv.Atoi(account.Gid)
	if err := errors.Join(errUID, errGID, os.Chown(directory, uid, gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
