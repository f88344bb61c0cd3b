package membership

import (
	"context"
	"fmt"
	"strings"

	"onsale/cluster/codes"
	"onsale/sequencer"
)

// A cluster writes the formats of its level (sequencer.State.Level), which an operator alone
// raises: until then every process may be taken back to the release before. The leader
// raises it when every member and every front-end that is connected to one speaks the next
// one; who comes later and does not is refused by name (package peer).

// FrontEnd is a front-end that is connected to a node.
type FrontEnd struct {
	ID       string `json:"id"`
	LevelMax uint16 `json:"level_max"` // the highest level that it speaks
	// Version is its program's; "" of one that does not say so.
	Version string `json:"version,omitempty"`
	// ClusterID is the newest birth that it knew when it connected; "" of one that knew none yet.
	ClusterID string `json:"cluster_id,omitempty"`
	// PseudonymKeys are the ids of those that it has, the newest first.
	PseudonymKeys []string `json:"pseudonym_keys,omitempty"`
}

// levelOf returns the cluster's level as the leader knows it, and the highest one that all
// processes speak; equal when there is none above.
func levelOf(c *ClusterStatus) (level, available uint16) {
	for i := range c.Members {
		if is := c.Members[i].Node; is != nil && c.Members[i].ID == c.LeaderID {
			level = is.Level
		}
	}
	for available = level; level > 0 && len(below(c, available+1)) == 0; {
		available++
	}
	return level, available
}

// below names the processes that are not known to speak a level.
func below(c *ClusterStatus, level uint16) (names []string) {
	if len(c.Members) == 0 {
		return []string{"no member is known"}
	}
	for i := range c.Members {
		is := c.Members[i].Node
		if is == nil {
			names = append(names, fmt.Sprintf("node %s does not answer", c.Members[i].ID))
			continue
		}
		if is.LevelMax < level {
			names = append(names, fmt.Sprintf("node %s (%s) speaks up to %d", is.NodeID, is.Version, is.LevelMax))
		}
		for _, f := range is.FrontEnds {
			if f.LevelMax < level {
				names = append(names, fmt.Sprintf("front-end %s at node %s speaks up to %d", f.ID, is.NodeID, f.LevelMax))
			}
		}
	}
	return names
}

// finalize raises the level step by step, to the one that was asked for or as far as all
// processes speak. One that was reached before is nothing to do. It returns
// codes.ErrRefused, with the names of who does not speak the level.
func (m *Manager) finalize(ctx context.Context, r *Request) (done string, err error) {
	status := m.Status(ctx)
	level, available := levelOf(&status)
	want := r.Level
	if want == 0 {
		want = available
	}
	if level > 0 && want <= level {
		return fmt.Sprintf("the cluster is at level %d already", level), nil
	}
	if names := below(&status, want); len(names) > 0 || level == 0 {
		return "", fmt.Errorf("%w: level %d is not spoken by all: %s; upgrade or stop them first", codes.ErrRefused, want, strings.Join(names, "; "))
	}

	for next := level + 1; next <= want; next++ {
		c := sequencer.Command{Kind: sequencer.KindLevel, Amount: int64(next), Actor: []byte(r.Actor)}
		result, err := m.log.Decide(&c)
		if err != nil {
			return "", err
		}
		if is := m.node.Status().Level; result.Code != sequencer.CodeOK && is < next {
			return "", fmt.Errorf("%w: level %d was decided as %s; the cluster is at level %d", codes.ErrRefused, next, result.Code, is)
		}
		m.config.Logger.Info("the cluster's level was raised; processes that do not speak it are refused from now on", "level", next, "by", r.Actor)
	}
	return fmt.Sprintf("the cluster is at level %d now", want), nil
}
