package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// profileTime is how much of a run a CPU profile covers, from its beginning. What is idle in
// it costs nothing.
const profileTime = 10 * time.Second

// profile begins to write each node's CPU profile to a file of its id in the setup's ProfileDir.
// The function that it returns waits until they are there.
func (c *cluster) profile(ctx context.Context) (wait func() error) {
	if c.setup.ProfileDir == "" {
		return func() error { return nil }
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, n := range c.nodes {
		group.Go(func() error {
			data, err := n.getWithin(ctx, profileTime+getTimeout, fmt.Sprintf("/debug/pprof/profile?seconds=%.0f", profileTime.Seconds()))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(c.setup.ProfileDir, n.id+".pprof"), data, 0o600)
		})
	}
	return group.Wait
}
