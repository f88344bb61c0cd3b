// Package postgres starts private PostgreSQL servers, for tests and comparisons: on a unix socket
// alone, with their data in a folder of their own.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"onsale/internal/procs"
)

// settings differ from PostgreSQL's own: memory and log sized so that no
// checkpoint falls into a run, no network, and nothing that makes a commit less durable.
var settings = []string{
	"listen_addresses=", "max_connections=64", "shared_buffers=1GB", "wal_buffers=64MB", "max_wal_size=8GB",
	"checkpoint_timeout=1h", "synchronous_commit=on", "fsync=on", "full_page_writes=on", "wal_level=minimal",
	"max_wal_senders=0", "jit=off", "track_activities=off",
}

// Start starts a private server with its data in dir, and returns how to
// connect to it.
func Start(ctx context.Context, dir string) (*procs.Process, string, error) {
	initdb, err := Find("initdb", "postgresql")
	if err != nil {
		return nil, "", err
	}
	program, err := Find("postgres", "postgresql")
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
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	p, err := procs.Start(procs.Config{Path: program, Args: args, Dir: dir, StopSignal: syscall.SIGINT,
		Attributes: attributes(credential),
		LogPath:    filepath.Join(dir, "postgres.log")})
	if err != nil {
		return nil, "", err
	}
	// The port only names the socket: none is taken. The socket is there before the server answers.
	address := "postgres://bench@/postgres?port=5432&sslmode=disable&host=" + url.QueryEscape(dir)
	return p, address, p.Await(ctx, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, address)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Find returns a program of a Debian package; PostgreSQL's are not in the path.
func Find(program, debianPackage string) (string, error) {
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
