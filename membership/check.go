package membership

import (
	"context"
	"encoding/json"
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
		case <-m.node.CheckpointReached():
		}
		for try := 0; try < checkTries && m.node.Leads() && m.stop.Err() == nil; try++ {
			if height := m.node.ProposeCheck(m.checkpoints(), proposed); height > 0 {
				proposed = height
				break
			}
			time.Sleep(checkPause)
		}
	}
}

// checkpoints asks every member for its checkpoints; who does not answer says nothing.
func (m *Manager) checkpoints() map[string][]raftfsm.Checkpoint {
	told, mu := map[string][]raftfsm.Checkpoint{}, sync.Mutex{}
	own := m.node.Status()
	var group sync.WaitGroup
	for _, member := range own.Members {
		if member.ID == own.NodeID {
			mu.Lock()
			told[member.ID] = m.node.Checkpoints()
			mu.Unlock()
			continue
		}
		group.Go(func() {
			points, err := m.checkpointsOf(member)
			if err != nil {
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

func (m *Manager) checkpointsOf(member raftfsm.Member) (points []raftfsm.Checkpoint, err error) {
	ctx, cancel := context.WithTimeout(m.stop, askTimeout)
	defer cancel()
	link, err := m.links.To(ctx, member.ID, member.Address)
	if err != nil {
		return nil, err
	}
	body, err := link.Control(ctx, verbCheckpoints, []byte("{}"))
	if err != nil {
		return nil, err
	}
	return points, json.Unmarshal(body, &points)
}
