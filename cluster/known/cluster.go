package known

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"

	"onsale/internal/metric"
	"onsale/raftfsm/peer"
)

// Cluster is the newest list of births that this process has seen of one cluster number.
// It is a peer.Known; all methods are safe for concurrent use.
type Cluster struct {
	file   *File
	number uint8
	log    *slog.Logger

	births atomic.Pointer[peer.Lineage]
	told   string // of which refusal the log was told last, under the file's lock

	refusal atomic.Pointer[error] // of the last node that was refused; nil since one was not

	older, parted, other atomic.Uint64 // nodes that were refused
}

var _ peer.Known = (*Cluster)(nil)

// Births returns the list, empty before the first meeting, and the number.
func (c *Cluster) Births() (peer.Lineage, uint8) { return *c.births.Load(), c.number }

// Refusal returns why the last node that was met was refused; nil when it was not.
func (c *Cluster) Refusal() error {
	if err := c.refusal.Load(); err != nil {
		return *err
	}
	return nil
}

// Meet decides about a node that was met. One of another number is nobody's business here:
// it is the table of clusters that is wrong, and who has it says so.
func (c *Cluster) Meet(node *peer.Identity) error {
	err := c.meet(node)
	if err != nil {
		c.refusal.Store(&err)
	} else {
		c.refusal.Store(nil)
	}
	return err
}

func (c *Cluster) meet(node *peer.Identity) error {
	if node.Number != c.number {
		return nil
	}
	if own := *c.births.Load(); own.RelationOf(node.Births) == peer.Same && len(own) >= len(node.Births) {
		return nil // of every connection but a few
	}

	c.file.mu.Lock()
	defer c.file.mu.Unlock()
	own := *c.births.Load()
	switch own.RelationOf(node.Births) {
	case peer.Unknown:
		return c.trust(node)
	case peer.Same:
		return c.grow(own, node)
	case peer.Newer:
		return c.takeOver(own, node)
	case peer.Older:
		c.older.Add(1)
		return c.refuse(own, node, peer.ErrOlderCluster)
	case peer.Parted:
		c.parted.Add(1)
		return c.refuse(own, node, peer.ErrParted)
	}
	c.other.Add(1)
	return c.refuse(own, node, peer.ErrOtherCluster)
}

// trust takes the first cluster that is met.
func (c *Cluster) trust(node *peer.Identity) error {
	if err := c.keep(node.Births); err != nil {
		return err
	}
	if c.file.path == "" {
		c.log.Warn("this start trusts the cluster that it met first: without --state-file it cannot know a newer one",
			"cluster_number", c.number, "cluster_id", node.Cluster.String(), "node", node.ID)
		return nil
	}
	c.log.Info("a cluster was met for the first time", "cluster_number", c.number, "cluster_id", node.Cluster.String(), "node", node.ID)
	return nil
}

// grow takes the births of before from a node that has heard of more of them.
func (c *Cluster) grow(own peer.Lineage, node *peer.Identity) error {
	if len(node.Births) <= len(own) {
		return nil
	}
	return c.keep(node.Births)
}

// takeOver goes on with a cluster that succeeds the known one. What was before that one is
// not forgotten when the node has not heard of it yet.
func (c *Cluster) takeOver(own peer.Lineage, node *peer.Identity) error {
	births := node.Births
	if at := slices.Index(births, own.Newest()); at+1 < len(own) {
		births = slices.Concat(own, births[at+1:])
	}
	if err := c.keep(births); err != nil {
		return err
	}
	c.log.Warn("another cluster succeeds the one that was known; going on with it", "cluster_number", c.number,
		"cluster_id", node.Cluster.String(), "known", own.Newest().String(), "node", node.ID)
	return nil
}

// refuse returns an error and tells the log, once for each cluster that is met in turn.
func (c *Cluster) refuse(own peer.Lineage, node *peer.Identity, err error) error {
	if told := node.Cluster.String() + err.Error(); told != c.told {
		c.told = told
		level := slog.LevelWarn
		if errors.Is(err, peer.ErrParted) {
			level = slog.LevelError
		}
		c.log.Log(context.Background(), level, "a node is refused", "node", node.ID, "error", err, "cluster_number", c.number,
			"cluster_id", node.Cluster.String(), "known", own.Newest().String())
	}
	return fmt.Errorf("%w: it is %v, this process knows %v", err, node.Cluster, own.Newest())
}

// keep makes a list the newest one: on disk first, so that it is remembered before anybody
// is sent there.
func (c *Cluster) keep(births peer.Lineage) error {
	births = births[max(0, len(births)-peer.BirthsMax):]
	next := maps.Clone(c.file.newest)
	next[c.number] = slices.Clone(births)
	if err := c.file.write(next); err != nil {
		return fmt.Errorf("state file %s: %w", c.file.path, err)
	}
	c.file.newest = next
	kept := next[c.number]
	c.births.Store(&kept)
	return nil
}

// Metrics publishes how many nodes were refused.
func (c *Cluster) Metrics(s *metric.Set) {
	s.Counter("onsale_cluster_older_total", "Meetings with nodes of a cluster that the known one supersedes; they were refused.", c.older.Load)
	s.Counter("onsale_cluster_parted_total", "Meetings with nodes of a cluster that parted from this one; both refuse each other.", c.parted.Load)
}
