package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"onsale/bench"
)

// peerKind describes a peer.
type peerKind struct {
	kind, name, durability string
}

// peers are all of them, the ceilings last.
var peers = []peerKind{
	{kindRedisAlways, "Redis, fsync always", "append-only log, fsync before every answer"},
	{kindRedisEverySecond, "Redis, fsync every second", "append-only log; up to a second of answered orders is lost in a crash"},
	{kindRowLock, "PostgreSQL, row lock", "synchronous_commit on"},
	{kindShards, "PostgreSQL, sharded count", "synchronous_commit on"},
	{kindMutex, "mutex in memory", "none"},
	{kindBare, "bare fasthttp", "none"},
}

// shop returns a peer as the comparison wants it; program is this program's file.
func (k peerKind) shop(program string) bench.Shop {
	return bench.Shop{Name: k.name, Nodes: 1, Durability: k.durability, Ceiling: k.kind == kindBare,
		Open: func(ctx context.Context, o *bench.ShopOptions) (bench.Stand, error) {
			s := &stand{}
			if err := s.open(ctx, k.kind, program, o); err != nil {
				return nil, errors.Join(err, s.Close())
			}
			return s, nil
		}}
}

// stand is a peer's processes: its front, and the server of its store.
type stand struct {
	dir       string
	address   string
	processes []*process // in the order in which they are ended
}

func (s *stand) open(ctx context.Context, kind, program string, o *bench.ShopOptions) error {
	var err error
	if s.dir, err = makeDir(o.DataParent); err != nil {
		return err
	}
	storeDir := filepath.Join(s.dir, "store")
	if err := os.Mkdir(storeDir, 0o700); err != nil {
		return err
	}
	var server *process
	var address string
	switch kind {
	case kindRedisAlways:
		server, address, err = startRedis(storeDir, "always")
	case kindRedisEverySecond:
		server, address, err = startRedis(storeDir, "everysec")
	case kindRowLock, kindShards:
		server, address, err = startPostgres(storeDir)
	}
	if server != nil {
		s.processes = append(s.processes, server)
	}
	if err != nil {
		return err
	}
	return s.openFront(ctx, kind, program, address, o)
}

// openFront starts the front as a process, and waits until it says where it listens.
func (s *stand) openFront(ctx context.Context, kind, program, address string, o *bench.ShopOptions) error {
	secretFile := filepath.Join(s.dir, "secret")
	if err := os.WriteFile(secretFile, o.Secret, 0o600); err != nil {
		return err
	}
	args := []string{"front", "-kind", kind, "-store", address, "-secret-file", secretFile}
	for _, sale := range o.Sales {
		args = append(args, fmt.Sprintf("%s=%d", sale.ID, sale.Tickets))
	}
	command := exec.Command(program, args...)
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	command.Stdout = write
	front, err := startProcess(command, syscall.SIGTERM, filepath.Join(s.dir, "front.log"))
	write.Close()
	if err != nil {
		return err
	}
	s.processes = append([]*process{front}, s.processes...)
	if err := read.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the front of %s did not start: %w: %s", kind, errors.Join(err, ctx.Err()), front.lastLog())
	}
	s.address = strings.TrimSpace(line)
	return nil
}

func (s *stand) Address(context.Context) (string, error) { return s.address, nil }

func (s *stand) Processes() []int {
	var ids []int
	for _, p := range s.processes {
		ids = append(ids, p.pid())
	}
	return ids
}

func (s *stand) Books(ctx context.Context, sale string) (bench.Books, error) {
	var books bench.Books
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/books?sale="+sale, nil)
	if err != nil {
		return books, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return books, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return books, fmt.Errorf("the books of %s: %s", sale, answer.Status)
	}
	return books, json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&books)
}

func (s *stand) Close() error {
	var errs []error
	for _, p := range s.processes {
		errs = append(errs, p.end())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}
