package membership

import (
	"sync"
	"time"

	"onsale/raftfsm"
)

// What the leader does for the replicas' check (raftfsm.ProposeCheck): it asks the
// members for their checkpoints when it has reached one, some times if need be, because
// they apply a batch a little later.
const (
	checkTries = 20
	checkPause = 50 * time.Millisecond
)

// check proposes a check for every checkpoint while this node leads.
func (m *Manager) check() {
	proposed := uint64(0)
	for {
		select {
		case <-m.stop.Done():
			return
		case <-m.checks.Reached():
		}
		for try := 0; try < checkTries && m.leads() && m.stop.Err() == nil; try++ {
			if height := m.checks.Propose(m.checkpoints(), proposed); height > 0 {
				proposed = height
				break
			}
			time.Sleep(checkPause)
		}
	}
}

// checkpoints asks every member for its checkpoints; who does not answer says nothing.
func (m *Manager) checkpoints() map[string][]raftfsm.Checkpoint {
	told, mu, own := map[string][]raftfsm.Checkpoint{}, sync.Mutex{}, m.node.Identity().NodeID
	var group sync.WaitGroup
	for _, member := range m.members.List() {
		if member.ID == own {
			mu.Lock()
			told[member.ID] = m.checks.Newest()
			mu.Unlock()
			continue
		}
		group.Go(func() {
			var points []raftfsm.Checkpoint
			if m.question(m.stop, member, verbCheckpoints, &points) != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			told[member.ID] = points
		})
	}
	group.Wait()
	return told
}
