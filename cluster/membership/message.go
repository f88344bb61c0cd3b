package membership

import (
	"encoding/json"
	"errors"
	"fmt"

	"onsale/cluster/codes"
	"onsale/raftfsm"
)

// IsRefusal reports whether an error says that a step of administration is not safe, or
// makes no sense now. It may be another node's.
func IsRefusal(err error) bool {
	for _, refusal := range [...]error{codes.ErrQuorumAtRisk, codes.ErrRefused, codes.ErrRemoved, codes.ErrStep, codes.ErrRequest,
		raftfsm.ErrNotMember, raftfsm.ErrMembershipMoved, raftfsm.ErrBelongs, raftfsm.ErrTransfer, raftfsm.ErrImpossible} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// The verbs of administration between processes. Bodies and answers are JSON: the
// types below.
const (
	verbProbe  = "probe"  // probe → probe: who are you, and do you belong to a cluster?
	verbJoin   = "join"   // join → joined; to any node, which asks the leader
	verbStatus = "status" // nothing → NodeStatus
	verbFacts  = "facts"  // nothing → Facts; asks the payment provider
	// verbCheckpoints asks a node for its raftfsm.Checkpoints.
	verbCheckpoints = "checkpoints"
	verbDisk        = "disk"    // nothing → raftfsm.Disk
	verbFitness     = "fitness" // fitness → raftfsm.Fitness; touches no disk, unless it is asked to
	verbChange      = "change"  // Request → changed; to any node, which asks the leader
	// verbWaive tells a learner that waits for its vote to wait no longer: nothing → nothing.
	verbWaive = "waive"
)

// probe is what nodes tell each other before there is a cluster.
type probe struct {
	Node      raftfsm.Member   `json:"node"`
	ClusterID string           `json:"cluster_id"`
	Number    uint8            `json:"number"`
	Expect    []string         `json:"expect"` // addresses of who is expected, sorted
	Bootstrap []raftfsm.Member `json:"bootstrap,omitempty"`
}

// join asks to be let into the cluster.
type join struct {
	Node    raftfsm.Member `json:"node"`
	Started bool           `json:"started"` // raft has written to its data folder
	Learner bool           `json:"learner"` // it wants no vote, or has one
	Member  bool           `json:"member"`  // it was let in before
}

// fitness asks how fit a node is to lead.
type fitness struct {
	TryDisk bool `json:"try_disk"` // and whether its disk hangs
}

// joined is the answer to who was let in, or is a member already.
type joined struct {
	ClusterID string           `json:"cluster_id"`
	Number    uint8            `json:"number"`
	Bootstrap []raftfsm.Member `json:"bootstrap,omitempty"`
	Voter     bool             `json:"voter"`
}

// Request is a step that an operator asks for.
type Request struct {
	Step string `json:"step"` // promote, demote, remove, transfer or finalize
	ID   string `json:"id"`   // of the node; "" transfers to any
	// Force removes or demotes although the quorum is at risk.
	Force bool `json:"force"`
	// WasMember says that the node was a member as the asked node knew it: who is asked
	// again because an answer was lost finds none, and that is no mistake.
	WasMember bool `json:"was_member,omitempty"`
	// Level is what finalize raises the cluster to; 0 as far as all processes speak.
	Level uint16 `json:"level,omitempty"`
	// Actor is who finalizes.
	Actor string `json:"actor,omitempty"`
}

// changed is the answer to who asked for a step.
type changed struct {
	Done string `json:"done"` // what was done, in one line for people
}

// decode reads a message strictly enough that a misspelt field is noticed.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: %w", codes.ErrRequest, err)
	}
	return nil
}

func encode(message any) []byte {
	body, err := json.Marshal(message)
	if err != nil { // the messages can always be marshalled
		panic("membership: cannot encode a message: " + err.Error())
	}
	return body
}
