package forward

import (
	"context"
	"errors"
	"sync"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// Links keeps a link to each node that was asked.
type Links struct {
	peer      *peer.Config
	directory *Directory

	mu   sync.Mutex
	open map[string]*Link // by address
}

// NewLinks returns links to the nodes of a directory.
func NewLinks(config *peer.Config, directory *Directory) *Links {
	return &Links{peer: config, directory: directory, open: map[string]*Link{}}
}

// To returns a link to a node; id may be "".
func (l *Links) To(ctx context.Context, id, address string) (*Link, error) {
	l.mu.Lock()
	known := l.open[address]
	l.mu.Unlock()
	if known != nil && known.Failed() == nil && (id == "" || known.Peer().ID == id) {
		return known, nil
	}
	fresh, err := DialLink(ctx, l.peer, address, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if raced := l.open[address]; raced != nil && raced != known && raced.Failed() == nil {
		fresh.Close()
		return raced, nil
	}
	if known != nil {
		known.Close()
	}
	l.open[address] = fresh
	return fresh, nil
}

// Close ends all links.
func (l *Links) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for address, link := range l.open {
		link.Close()
		delete(l.open, address)
	}
}

// ViaLeader asks the leader, following it, until there is an answer or ctx ends.
func ViaLeader[T any](ctx context.Context, l *Links, ask func(*Link) (T, error)) (answer T, err error) {
	err = &sequencer.NotLeaderError{}
	for ctx.Err() == nil {
		id, address := l.directory.candidate()
		if address != "" {
			var link *Link
			if link, err = l.To(ctx, id, address); err == nil {
				answer, err = ask(link)
			}
			if err == nil || !gone(err) && !errors.Is(err, sequencer.ErrNoLeader) {
				return answer, err
			}
			var other *sequencer.NotLeaderError
			if errors.As(err, &other) && other.LeaderAddress != "" && other.LeaderAddress != address {
				l.directory.SetLeader(other.LeaderID, other.LeaderAddress)
				continue
			}
			l.directory.suspect(address)
		}
		sleep(ctx, retryPauseMax)
	}
	return answer, err
}
