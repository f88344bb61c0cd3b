package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"onsale/raftfsm"
)

// errDiverged is returned when nodes at the same seq have other state hashes.
var errDiverged = errors.New("replicas differ")

// newStatus asks nodes what they are, and compares their states.
func newStatus(p *program) *cobra.Command {
	var d desk
	var addresses []string
	c := &cobra.Command{Use: "status", Short: "Show nodes: role, term, position, state hash", Args: arguments(cobra.NoArgs),
		Example: "  onsale status --nodes 127.0.0.1:8201,127.0.0.1:8202,127.0.0.1:8203",
		RunE: func(c *cobra.Command, _ []string) error {
			all := []raftfsm.Status{}
			var rows [][]string
			var unreachable []error
			for _, address := range addresses {
				d.address = address
				s, err := d.status(c)
				if err != nil {
					unreachable = append(unreachable, fmt.Errorf("%s: %w", address, err))
					continue
				}
				all = append(all, s)
				rows = append(rows, []string{s.NodeID, s.Role, cell(s.Term), cell(s.Seq), cell(s.CommitIndex), cell(s.AppliedIndex), s.StateHash, fmt.Sprintf("%.16s", s.JournalHash), s.LeaderID})
			}
			err := p.show(all, []string{"node", "role", "term", "seq", "commit_index", "applied_index", "state_hash", "journal_hash", "leader"}, rows)
			return errors.Join(err, compare(all), errors.Join(unreachable...))
		}}
	d.flags(c.Flags())
	c.Flags().Lookup("private").Hidden = true
	c.Flags().StringSliceVar(&addresses, "nodes", []string{"127.0.0.1:8201"}, "private listeners of the nodes")
	return c
}

func (d *desk) status(c *cobra.Command) (raftfsm.Status, error) {
	var s raftfsm.Status
	seller, err := d.open()
	if err != nil {
		return s, err
	}
	raw, err := seller.Node(c.Context())
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	return s, err
}

// compare returns errDiverged when two nodes at the same place have other states.
func compare(all []raftfsm.Status) error {
	for _, a := range all {
		for _, b := range all {
			if a.Seq == b.Seq && a.JournalHeight == b.JournalHeight && (a.StateHash != b.StateHash || a.JournalHash != b.JournalHash) {
				return fmt.Errorf("%w: at seq %d %s has state %s, journal %s; %s has %s, %s",
					errDiverged, a.Seq, a.NodeID, a.StateHash, a.JournalHash, b.NodeID, b.StateHash, b.JournalHash)
			}
		}
	}
	return nil
}
