package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"onsale/bench"
	"onsale/internal/secretfile"
)

// serveFront is the front as a process: it creates the sales that it is given as
// NAME=TICKETS, says in one line where it listens, and serves until ctx ends.
func serveFront(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("front", flag.ContinueOnError)
	kind := f.String("kind", "", "of the store")
	address := f.String("store", "", "where the store's server is")
	secretFile := f.String("secret-file", "", "secret of the tokens")
	if err := f.Parse(args); err != nil {
		return err
	}
	secret, err := secretfile.Read(*secretFile)
	if err != nil {
		return err
	}
	k, err := kindOf(*kind)
	if err != nil {
		return err
	}
	s, err := k.open(ctx, *address)
	if err != nil {
		return err
	}
	defer s.close()
	if err := createSales(ctx, s, f.Args()); err != nil {
		return err
	}
	front, err := newFront(secret, s)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go front.sweep(ctx)
	server := front.server()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(server.ShutdownWithContext(ending), <-ended)
}

func createSales(ctx context.Context, s store, sales []string) error {
	for _, sale := range sales {
		name, count, _ := strings.Cut(sale, "=")
		tickets, err := strconv.ParseUint(count, 10, 31)
		if err != nil {
			return fmt.Errorf("%w: sale %q is not NAME=TICKETS", bench.ErrOptions, sale)
		}
		if err := s.create(ctx, name, uint32(tickets)); err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
	}
	return nil
}
