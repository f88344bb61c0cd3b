package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"onsale/cluster/membership"
	"onsale/cluster/membership/route"
)

func newClusterFinalize(p *program) *cobra.Command {
	var d desk
	yes := false
	c := &cobra.Command{Use: "finalize", Short: "Let the cluster write the formats of the highest level that all its processes speak", Args: arguments(cobra.NoArgs),
		Long: `Run it when every node and every front-end has its new release and none will be taken
back. Until then the cluster writes what the release before reads, and a downgrade works;
from then on a process that does not speak the level is refused. It is refused itself while
a node does not answer, or a node or a front-end that is connected speaks less, and names
them. It may be repeated. docs/upgrading.md has the whole procedure.`,
		Example: "  onsale cluster finalize --private 127.0.0.1:8201 --yes",
		RunE: func(c *cobra.Command, _ []string) error {
			status, err := d.cluster(c)
			if err != nil {
				return err
			}
			level := nextLevel(status)
			if level == status.Health.Level {
				fmt.Fprintf(p.out, "the cluster is at level %d, the highest that its processes speak\n", level)
				return nil
			}
			if !yes {
				if err := confirm(c, fmt.Sprintf("raise the cluster to level %d, so that no process that speaks less can take part", level)); err != nil {
					return err
				}
			}
			operator, err := d.open()
			if err != nil {
				return err
			}
			raw, err := operator.ClusterStep(c.Context(), "finalize", route.FinalizeRequest{Level: level})
			if err != nil {
				return err
			}
			if err := json.Unmarshal(raw, status); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "the cluster is at level %d\n", status.Health.Level)
			return nil
		}}
	d.flags(c.Flags())
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// nextLevel returns the level to raise a cluster to: as high as all processes speak, or one
// that only some do, which the leader refuses with the names of the others. It is the
// cluster's own when nobody speaks more.
func nextLevel(status *membership.ClusterStatus) uint16 {
	h := &status.Health
	if h.LevelAvailable > 0 {
		return h.LevelAvailable
	}
	for i := range status.Members {
		if is := status.Members[i].Node; is == nil || is.LevelMax > h.Level {
			return h.Level + 1
		}
	}
	return h.Level
}
