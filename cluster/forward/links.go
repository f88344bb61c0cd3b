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

// To returns a link to a node of this process's cluster; id may be "". A link that was made
// to a cluster that is superseded since is not used any more.
func (l *Links) To(ctx context.Context, id, address string) (*Link, error) {
	l.mu.Lock()
	known := l.open[address]
	l.mu.Unlock()
	if known != nil && l.fits(known, id) {
		return known, nil
	}
	fresh, err := DialLink(ctx, l.peer, address, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if raced := l.open[address]; raced != nil && raced != known && l.fits(raced, "") {
		_ = fresh.Close() // nothing was asked over it
		return raced, nil
	}
	if known != nil {
		_ = known.Close() // it has failed, or is not what was asked for
	}
	l.open[address] = fresh
	return fresh, nil
}

// fits reports whether a link can be used for a node.
func (l *Links) fits(known *Link, id string) bool {
	is := known.Peer()
	return known.Failed() == nil && (id == "" || is.ID == id) && l.peer.Accepts(&is) == nil
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
