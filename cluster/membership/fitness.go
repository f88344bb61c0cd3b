package membership

import (
	"context"
	"sync"

	"onsale/raftfsm"
)

// askFitness asks the other voters how fit they are to lead, at once; who does not answer
// before ctx ends is not in what is returned. try lets them try their disks.
func (m *Manager) askFitness(ctx context.Context, try bool) (all []raftfsm.Fitness) {
	var group sync.WaitGroup
	var mu sync.Mutex
	own := m.node.Identity().NodeID
	for _, member := range m.members.List() {
		if !member.Voter || member.ID == own {
			continue
		}
		group.Go(func() {
			var is raftfsm.Fitness
			if err := m.questionWith(ctx, member, verbFitness, fitness{try}, &is); err != nil {
				m.config.Logger.Debug("a voter did not say how fit it is", "member", member.ID, "error", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, is)
		})
	}
	group.Wait()
	return all
}
