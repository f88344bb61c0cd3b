package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"

	"onsale/bench"
	"onsale/internal/tuning"
)

// frontCommand is this program's as a front; frontOptions are its argument, as JSON.
const frontCommand = "front"

type frontOptions struct {
	Kind    int    // of peers
	Address string // of the store's server
	Secret  []byte // of the tokens
	Sales   []bench.ShopSale
}

// serveFront is the front as a process: it creates the sales that it is given, says in one
// line where it listens, and serves until ctx ends.
func serveFront(ctx context.Context, args []string) error {
	var o frontOptions
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return err
	}
	tuning.Apply() // what our own servers have
	s, err := peers[o.Kind].open(ctx, o.Address)
	if err != nil {
		return err
	}
	defer s.close()
	for _, sale := range o.Sales {
		if err := s.create(ctx, sale.ID, sale.Tickets); err != nil {
			return fmt.Errorf("create %s: %w", sale.ID, err)
		}
	}
	front, err := newFront(o.Secret, s)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go front.sweep()
	context.AfterFunc(ctx, func() { _ = listener.Close() }) // everybody has been answered
	return front.server().Serve(listener)
}
