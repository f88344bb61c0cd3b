package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"onsale/raftfsm"
	"onsale/raftfsm/folder"
)

func newClusterReaddress(p *program) *cobra.Command {
	dir := ""
	c := &cobra.Command{Use: "readdress NODE=HOST:PORT…", Short: "Tell a stopped node where the members of its cluster are now, when all have moved at once",
		Args: arguments(cobra.MinimumNArgs(1)),
		Long: `Run it on every node's machine, while the nodes are stopped, with the same arguments:
where the nodes' ports for peers (--peer, --advertise) are from now on. Then start the
nodes, each with its new address. They find each other, and the leader notes the new
addresses in the membership. Who is a member, who has a vote and everything that was
decided stay as they are; there is no new cluster id. It may be run again, with the
same addresses or others. A node that moves alone, while the others stay where they are,
needs none of it, and neither do nodes under names that resolve to their new addresses.`,
		Example: "  onsale cluster readdress --data-dir n1 n1=10.1.0.1:7101 n2=10.1.0.2:7101 n3=10.1.0.3:7101",
		RunE: func(_ *cobra.Command, args []string) error {
			addresses, err := parseAddresses(args)
			if err != nil {
				return err
			}
			if err := folder.MustBeStopped(dir); err != nil {
				return err
			}
			config := raftfsm.DefaultConfig()
			config.DataDir = dir
			members, err := raftfsm.Readdress(config, addresses)
			if err != nil {
				return err
			}
			var rows [][]string
			for _, m := range members {
				rows = append(rows, []string{m.ID, m.Address})
			}
			return p.show(members, []string{"node", "address"}, rows)
		}}
	c.Flags().StringVar(&dir, "data-dir", "data", "the stopped node's data folder")
	return c
}

// parseAddresses reads NODE=HOST:PORT, each node once.
func parseAddresses(args []string) (map[string]string, error) {
	addresses := map[string]string{}
	for _, arg := range args {
		id, address, both := strings.Cut(arg, "=")
		if _, again := addresses[id]; !both || id == "" || address == "" || again {
			return nil, fmt.Errorf("%w: %q, expected is NODE=HOST:PORT, each node once", errUsage, arg)
		}
		addresses[id] = address
	}
	return addresses, nil
}
