// Package reader follows the journal of a running cluster over its peers' port: a follow.Source for
// processes that have no part in it, such as exporters.
//
// Any node is asked, those that do not lead first, and another one when it does not answer, is busy
// or does not have the next block. Each block must follow the one before, so that a node with another
// history is found, and nothing is read twice or left out. Whom a certificate or a secret does not let
// in hears of it from package peer, and so does who knows a newer birth than the nodes have.
package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/audit/follow"
	"onsale/wal/journal"
)

const (
	// waitTime is for how long a node is asked to wait for the next block.
	waitTime = 10 * time.Second
	// askTimeout bounds a question beyond the wait.
	askTimeout = 10 * time.Second
	// Patience is for how long no node has to answer before Read gives up.
	Patience = time.Minute
	// retryPause is how long is waited before all nodes are asked again.
	retryPause = 250 * time.Millisecond
)

// Ask asks the node at an address for blocks, as forward.Link does.
type Ask func(ctx context.Context, address string, q journal.PageQuestion) (journal.Page, error)

// Source is the journal of a cluster. It belongs to one goroutine.
type Source struct {
	ask       Ask
	addresses []string
	at        int // who was asked last
	head      journal.Head
	block     follow.Block
	waiting   [][]byte // read by Wait
}

var _ follow.Source = (*Source)(nil)

// New begins behind a block that was read before; a zero head is in front of the first.
func New(ask Ask, addresses []string, after journal.Head) *Source {
	return &Source{ask: ask, addresses: addresses, head: after}
}

// Head implements follow.Source.
func (s *Source) Head() journal.Head { return s.head }

// Read implements follow.Source. It returns journal.ErrNotKept when no node has the next block and
// some have later ones, and the last error when none answers for Patience.
func (s *Source) Read(ctx context.Context, fn func(*follow.Block) error) error {
	for {
		blocks, err := s.waiting, error(nil)
		if s.waiting = nil; blocks == nil {
			blocks, err = s.patiently(ctx, time.Millisecond)
		}
		if errors.Is(err, journal.ErrNotYet) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, data := range blocks {
			if err := s.take(ctx, data, fn); err != nil {
				return err
			}
		}
	}
}

// Wait implements follow.Source: it returns when there is a block, and at the latest after waitTime.
func (s *Source) Wait(ctx context.Context) (err error) {
	if s.waiting == nil {
		s.waiting, err = s.patiently(ctx, waitTime)
	}
	if errors.Is(err, journal.ErrNotYet) {
		return nil
	}
	return err
}

// take checks a block and hands it on.
func (s *Source) take(ctx context.Context, data []byte, fn func(*follow.Block) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := journal.DecodeBlock(data)
	if err != nil {
		return fmt.Errorf("%s: %w", s.addresses[s.at], err)
	}
	if b.Height != s.head.Height+1 || b.RaftIndex <= s.head.RaftIndex {
		return fmt.Errorf("%s: %w: block %d with raft index %d comes after block %d with %d", s.addresses[s.at], journal.ErrCorrupt,
			b.Height, b.RaftIndex, s.head.Height, s.head.RaftIndex)
	}
	if err := b.Follows(s.head.Hash); err != nil {
		return fmt.Errorf("%s: %w", s.addresses[s.at], err)
	}
	if err := s.block.Decode(&b); err != nil {
		return err
	}
	if err := fn(&s.block); err != nil {
		return err
	}
	s.head = b.Head()
	return nil
}

// patiently asks until a node answers, for Patience. ErrNotYet, ErrNotKept.
func (s *Source) patiently(ctx context.Context, wait time.Duration) ([][]byte, error) {
	for late := time.Now().Add(Patience); ; {
		blocks, err := s.page(ctx, wait)
		if err == nil || errors.Is(err, journal.ErrNotYet) || errors.Is(err, journal.ErrNotKept) || !time.Now().Before(late) {
			return blocks, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

// page asks the node that answered last, and then the others; who leads is asked only when no other
// one answers. ErrNotKept when no node has the block, and none is only behind.
func (s *Source) page(ctx context.Context, wait time.Duration) (blocks [][]byte, err error) {
	var missing, failed error
	for _, spare := range [...]bool{true, false} {
		for range s.addresses {
			blocks, err = s.whole(ctx, journal.PageQuestion{Height: s.head.Height + 1, Blocks: journal.PageBlocksMax, Bytes: journal.PageBytesMax,
				WaitMilliseconds: uint32(wait.Milliseconds()), Spare: spare})
			switch {
			case err == nil || errors.Is(err, journal.ErrNotYet) || ctx.Err() != nil:
				return blocks, err
			case errors.Is(err, journal.ErrNotKept):
				missing = err
			default:
				failed = err
			}
			s.at = (s.at + 1) % len(s.addresses)
		}
	}
	if failed != nil {
		return nil, failed
	}
	return nil, fmt.Errorf("no node that was asked has block %d any more: %w", s.head.Height+1, missing)
}

// whole asks the node whose turn it is for whole blocks.
func (s *Source) whole(ctx context.Context, q journal.PageQuestion) ([][]byte, error) {
	var first []byte
	for {
		asking, cancel := context.WithTimeout(ctx, q.Wait()+askTimeout)
		p, err := s.ask(asking, s.addresses[s.at], q)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.addresses[s.at], err)
		}
		first = append(first, p.Piece...)
		if uint64(len(first)) == uint64(p.Length) {
			return append([][]byte{first}, p.Others...), nil
		}
		q.Offset = uint32(len(first))
	}
}
