package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/valyala/fasthttp"

	"onsale/bench"
	"onsale/internal/procs"
	"onsale/proof/testenv/postgres"
)

// peerKind describes a peer.
type peerKind struct {
	name string
	// server starts what the store needs, and returns where it is; nil when it needs nothing.
	server func(ctx context.Context, dir string) (*procs.Process, string, error)
	open   func(ctx context.Context, address string) (store, error)
	// isDurable says that an answer waits for the disk.
	isDurable bool
}

// nameBare is the ceiling's: it decides nothing.
const nameBare = "bare fasthttp"

// peers begins with the best that people would build.
var peers = []peerKind{
	{"Redis, batched", startRedis("always"), openBatchedRedis, true},
	{"PostgreSQL, batched", postgres.Start, openBatchedPostgres, true},
	{"Redis, fsync always", startRedis("always"), openRedis, true},
	{"Redis, fsync every second", startRedis("everysec"), openRedis, false},
	{"PostgreSQL, row lock", postgres.Start, openPostgres("buy_row_lock", rowLockPool), true},
	{"PostgreSQL, sharded count", postgres.Start, openPostgres("buy_sharded", shardsPool), true},
	{nameBare, nil, func(context.Context, string) (store, error) { return newBareStore(), nil }, false},
}

// kindOf returns which of peers has a name.
func kindOf(name string) int {
	return slices.IndexFunc(peers, func(k peerKind) bool { return k.name == name })
}

// shop returns a peer as the comparison wants it; program is this program's file.
func (k peerKind) shop(program string) bench.Shop {
	return bench.Shop{Name: k.name, Ceiling: k.name == nameBare,
		Open: func(ctx context.Context, o *bench.ShopOptions) (bench.Stand, error) {
			s := &stand{}
			if err := s.open(ctx, k, program, o); err != nil {
				return nil, errors.Join(err, s.Close())
			}
			return s, nil
		}}
}

// stand is a peer's processes: its front, and the server of its store.
type stand struct {
	dir       string
	address   string
	processes []*procs.Process // in the order in which they are ended
}

// makeDir makes a folder that another user may pass through, below parent ("" is the
// system's).
func makeDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "onsale-peer-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755) // what is secret in it has its own mode
}

func (s *stand) open(ctx context.Context, k peerKind, program string, o *bench.ShopOptions) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	if s.dir, err = makeDir(o.DataParent); err != nil {
		return err
	}
	storeDir := filepath.Join(s.dir, "store")
	if err := os.Mkdir(storeDir, 0o700); err != nil {
		return err
	}
	var address string
	if k.server != nil {
		var server *procs.Process
		if server, address, err = k.server(ctx, storeDir); server != nil {
			s.processes = append(s.processes, server)
		}
		if err != nil {
			return err
		}
	}
	return s.openFront(ctx, program, &frontOptions{kindOf(k.name), address, o.Secret, o.Sales})
}

// aListener is the line in which a front says where it listens.
var aListener = regexp.MustCompile(`^[0-9.]+:[0-9]+$`)

// openFront starts the front as a process, and waits until it says where it listens.
func (s *stand) openFront(ctx context.Context, program string, o *frontOptions) error {
	told, err := json.Marshal(o)
	if err != nil {
		return err
	}
	front, err := procs.Start(procs.Config{Path: program, Args: []string{frontCommand, string(told)}, LogPath: filepath.Join(s.dir, "front.log")})
	if err != nil {
		return err
	}
	s.processes = append([]*procs.Process{front}, s.processes...)
	line, err := front.AwaitLine(ctx, aListener)
	if err != nil {
		return fmt.Errorf("the front: %w", err)
	}
	s.address = line[0]
	return nil
}

func (s *stand) Address(context.Context) (string, error) { return s.address, nil }

func (s *stand) Processes() []int {
	var ids []int
	for _, p := range s.processes {
		ids = append(ids, p.PID())
	}
	return ids
}

func (s *stand) Books(_ context.Context, sale string) (bench.Books, error) {
	var books bench.Books
	status, body, err := fasthttp.GetTimeout(nil, "http://"+s.address+"/books?sale="+sale, startMax)
	if err == nil && status != fasthttp.StatusOK {
		err = fmt.Errorf("the books of %s: status %d", sale, status)
	}
	if err != nil {
		return books, err
	}
	return books, json.Unmarshal(body, &books)
}

func (s *stand) Close() error {
	var errs []error
	for _, p := range s.processes {
		_, err := p.Stop(stopMax)
		errs = append(errs, err)
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}
