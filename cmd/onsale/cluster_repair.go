package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"onsale/api/contract"
	"onsale/cluster/membership/route"
	"onsale/raftfsm"
	"onsale/raftfsm/folder"
)

// withRepair adds what to do to an error that says that the node's data is damaged.
func (s *settings) withRepair(err error) error {
	if !raftfsm.IsDamage(err) {
		return err
	}
	if len(s.Join) == 0 {
		return fmt.Errorf("%w; a node without peers is made again from a backup (onsale snapshot restore --successor)", err)
	}
	return fmt.Errorf("%w; take it from the peers: onsale cluster repair --data-dir %s --node-id %s --private ADDRESS-OF-A-HEALTHY-NODE", err, s.Node.DataDir, s.Node.NodeID)
}

func newClusterRepair(p *program) *cobra.Command {
	var d desk
	var dir, node string
	yes, force := false, false
	c := &cobra.Command{Use: "repair", Short: "Let a stopped node whose data is damaged begin anew from its peers", Args: arguments(cobra.NoArgs),
		Long: `Run it on the damaged node's machine, with --private of a healthy node. It takes the
node out of the cluster, which must be able to do without it, and puts its data
folder aside under another name; nothing is deleted. Start the node as before then:
it joins with an empty folder, gets everything from the peers, and its vote when it
was healthy for a while. It may be run again when it was interrupted.`,
		Example: "  onsale cluster repair --data-dir n3 --node-id n3 --private 127.0.0.1:8211",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := folder.MustBeStopped(dir); err != nil {
				return err
			}
			is, err := folder.ReadIdentity(dir)
			if folder.IsOtherVersion(err) {
				return err // there is nothing to repair
			}
			if err == nil && is.NodeID != node {
				return fmt.Errorf("%w: %s is of node %q, not %q", errUsage, dir, is.NodeID, node)
			}
			if !yes {
				if err := confirm(c, fmt.Sprintf("take node %s out of the cluster and put %s aside", node, dir)); err != nil {
					return err
				}
			}
			operator, err := d.open()
			if err != nil {
				return err
			}
			if _, err := operator.ClusterStep(c.Context(), "remove", route.MemberRequest{ID: node, Force: force}); err != nil && !errors.Is(err, contract.ErrNotFound) {
				return err
			}
			aside, err := folder.SetAside(dir)
			if errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("%w; node %s is no member any more", err, node)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "%s is out of the cluster, and its data is in %s; start it as before\n", node, aside)
			return nil
		}}
	d.flags(c.Flags())
	c.Flags().StringVar(&dir, "data-dir", "data", "the damaged node's data folder")
	c.Flags().StringVar(&node, "node-id", raftfsm.DefaultConfig().NodeID, "whose it is")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&force, "force", false, "although too few healthy voters would be left")
	return c
}
