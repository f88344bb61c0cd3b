package forward

import (
	"context"
	"sync"

	"onsale/raftfsm/peer"
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
		_ = fresh.Close() // nothing was asked over it
		return raced, nil
	}
	if known != nil {
		_ = known.Close() // it has failed
	}
	l.open[address] = fresh
	return fresh, nil
}

// Close ends all links.
func (l *Links) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for address, link := range l.open {
		_ = link.Close() // a connection holds nothing that could be lost
		delete(l.open, address)
	}
}
