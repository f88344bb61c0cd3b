package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"onsale/cluster/membership"
	"onsale/cluster/membership/route"
	"onsale/raftfsm"
)

// errDiverged is returned when nodes at the same seq have other state hashes.
var errDiverged = errors.New("replicas differ")

// errUnhealthy is returned by `cluster health` when something is wrong.
var errUnhealthy = errors.New("the cluster is not healthy")

func newCluster(p *program) *cobra.Command {
	return group("cluster", "See and change the nodes of a cluster",
		newClusterStatus(p), newClusterHealth(p), newClusterJoin(p),
		p.clusterStep("promote", "Give a learner its vote now", true, false),
		p.clusterStep("demote", "Make a voter a learner", true, true),
		p.clusterStep("remove", "Take a node out of the cluster for good", true, true),
		p.clusterStep("transfer", "Move the leadership, to a node or to any", false, false),
		newClusterFinalize(p), newClusterReaddress(p), newClusterRecover(p), newClusterRepair(p),
	)
}

func (d *desk) cluster(c *cobra.Command) (*membership.ClusterStatus, error) {
	operator, err := d.open()
	if err != nil {
		return nil, err
	}
	raw, err := operator.Cluster(c.Context())
	if err != nil {
		return nil, err
	}
	status := new(membership.ClusterStatus)
	return status, json.Unmarshal(raw, status)
}

func newClusterStatus(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "status", Short: "Show every node: role, term, position, lag, state hash, disk, version, level", Args: arguments(cobra.NoArgs),
		Example: "  onsale cluster status --private 127.0.0.1:8201",
		RunE: func(c *cobra.Command, _ []string) error {
			status, err := d.cluster(c)
			if err != nil {
				return err
			}
			return errors.Join(p.showCluster(status), compare(status))
		}}
	d.flags(c.Flags())
	return c
}

func (p *program) showCluster(status *membership.ClusterStatus) error {
	header := []string{"node", "vote", "role", "healthy", "term", "seq", "applied_index", "lag", "last_contact_ms", "state_hash", "journal_from", "data_mib", "disk_free_mib", "disk_reserve_mib", "version", "level", "level_max", "address", "address_now"}
	var rows [][]string
	for _, m := range status.Members {
		vote, healthy := "learner", "yes"
		if m.Voter {
			vote = "voter"
		}
		if !m.Healthy {
			healthy = m.Reason
		}
		if m.Node == nil {
			rows = append(rows, []string{m.ID, vote, "unreachable", healthy, "", "", "", "", "", "", "", "", "", "", "", "", "", m.Address, ""})
			continue
		}
		rows = append(rows, []string{m.ID, vote, m.Node.Role, healthy, cell(m.Node.Term), cell(m.Node.Seq), cell(m.Node.AppliedIndex), cell(m.LagEntries),
			cell(m.Node.LastContactMilliseconds), m.Node.StateHash, cell(m.Node.JournalFirstHeight), cell(m.Node.DataBytes >> 20), cell(m.Node.FreeBytes >> 20), cell(m.Node.ReserveBytes >> 20), m.Node.Version,
			cell(m.Node.Level), cell(m.Node.LevelMax), m.Address, m.Node.Address})
	}
	p.warnOfTwo(&status.Health)
	return p.show(status, header, rows)
}

// warnOfTwo says what a cluster of two voters is worth.
func (p *program) warnOfTwo(h *membership.Health) {
	if h.Voters == 2 {
		fmt.Fprintln(p.err, "warning: of two voters neither may fail: a cluster of two is less safe than one node; let a third one in")
	}
}

// tellStep prints what a step did, in one line, and as data the answer.
func (p *program) tellStep(raw json.RawMessage) error {
	var answer route.Changed
	if err := json.Unmarshal(raw, &answer); err != nil {
		return err
	}
	p.warnOfTwo(&answer.Health)
	if p.format == "table" {
		_, err := fmt.Fprintln(p.out, answer.Done)
		return err
	}
	return p.show(&answer, []string{"field", "value"}, [][]string{{"done", answer.Done}})
}

// compare returns errDiverged when two nodes at the same place have other states.
func compare(status *membership.ClusterStatus) error {
	for _, one := range status.Members {
		for _, other := range status.Members {
			a, b := one.Node, other.Node
			if a == nil || b == nil || a.Seq != b.Seq || a.JournalHeight != b.JournalHeight {
				continue
			}
			if a.StateHash != b.StateHash || a.JournalHash != b.JournalHash {
				return fmt.Errorf("%w: at seq %d %s has state %s, journal %s; %s has %s, %s",
					errDiverged, a.Seq, a.NodeID, a.StateHash, a.JournalHash, b.NodeID, b.StateHash, b.JournalHash)
			}
		}
	}
	return nil
}

func newClusterHealth(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "health", Short: "Say how many nodes may still fail; ends with 1 when something is wrong", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			status, err := d.cluster(c)
			if err != nil {
				return err
			}
			h := &status.Health
			rows := [][]string{{"healthy", cell(h.Healthy)}, {"voters", cell(h.Voters)}, {"healthy_voters", cell(h.HealthyVoters)},
				{"quorum", cell(h.Quorum)}, {"failure_tolerance", cell(h.FailureTolerance)}, {"level", cell(h.Level)}, {"level_available", cell(h.LevelAvailable)}}
			for _, a := range h.Alarms {
				rows = append(rows, []string{"alarm", a.String()})
			}
			p.warnOfTwo(h)
			if err := p.show(h, []string{"field", "value"}, rows); err != nil {
				return err
			}
			if !status.Health.Healthy {
				return fmt.Errorf("%w; see `onsale cluster status`", errUnhealthy)
			}
			return nil
		}}
	d.flags(c.Flags())
	return c
}

func newClusterJoin(p *program) *cobra.Command {
	var d desk
	var r route.JoinRequest
	c := &cobra.Command{Use: "join ADDRESS…", Short: "Tell a node that was started with --wait-to-join where its cluster is", Args: arguments(cobra.MinimumNArgs(1)),
		Example: "  onsale cluster join 10.0.0.1:7101 10.0.0.2:7101 --private 10.0.0.4:8201",
		RunE: func(c *cobra.Command, args []string) error {
			operator, err := d.open()
			if err != nil {
				return err
			}
			r.Addresses = args
			raw, err := operator.ClusterStep(c.Context(), "join", r)
			if err != nil {
				return err
			}
			return p.tellStep(raw)
		}}
	d.flags(c.Flags())
	c.Flags().BoolVar(&r.Learner, "learner", false, "without a vote, for good")
	return c
}

// clusterStep is a command that changes the cluster. Dangerous ones ask.
func (p *program) clusterStep(step, short string, needsID, dangerous bool) *cobra.Command {
	var d desk
	var r membership.Request
	yes := false
	use, count := step+" NODE", cobra.ExactArgs(1)
	if !needsID {
		use, count = step+" [NODE]", cobra.MaximumNArgs(1)
	}
	c := &cobra.Command{Use: use, Short: short, Args: arguments(count),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				r.ID = args[0]
			}
			if dangerous && !yes {
				if err := confirm(c, fmt.Sprintf("%s node %s", step, r.ID)); err != nil {
					return err
				}
			}
			operator, err := d.open()
			if err != nil {
				return err
			}
			raw, err := operator.ClusterStep(c.Context(), step, r)
			if err != nil {
				return err
			}
			return p.tellStep(raw)
		}}
	d.flags(c.Flags())
	if dangerous {
		c.Flags().BoolVar(&yes, "yes", false, "do not ask")
		c.Flags().BoolVar(&r.Force, "force", false, "although too few healthy voters would be left")
	}
	return c
}

func newClusterRecover(p *program) *cobra.Command {
	s, yes := newSettings(), false
	c := &cobra.Command{Use: "recover", Short: "Make a cluster of one out of a stopped node's data, when a majority is lost for good", Args: arguments(cobra.NoArgs),
		Long: `Run it beside the data folder of the stopped node with the highest applied_index.
What only the lost nodes had is gone. The others join the new cluster with empty
folders; docs/recovery.md has the whole procedure.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.load(); err != nil {
				return err
			}
			config, err := s.node()
			if err != nil {
				return err
			}
			if !yes {
				if err := confirm(c, "give up the lost nodes of "+s.Node.DataDir); err != nil {
					return err
				}
			}
			if err := raftfsm.Recover(config); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "%s is a cluster of one now; start it as before, without --bootstrap-expect\n", s.Node.DataDir)
			return nil
		}}
	c.Flags().AddFlagSet(s.Flags)
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
