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
	for _, refusal := range [...]error{codes.ErrQuorumAtRisk, codes.ErrRefused, codes.ErrRequest,
		raftfsm.ErrNotMember, raftfsm.ErrMembershipMoved, raftfsm.ErrBelongs} {
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
	// verbCheckpoints asks a node for its raftfsm.Checkpoints.
	verbCheckpoints = "checkpoints"
	verbChange      = "change" // Request → nothing; to any node, which asks the leader
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
	Learner bool           `json:"learner"` // it wants no vote
	Member  bool           `json:"member"`  // it was let in before, and waits for its vote
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
	Step string `json:"step"` // promote, demote, remove or transfer
	ID   string `json:"id"`   // of the node; "" transfers to any
	// Force removes or demotes although the quorum is at risk.
	Force bool `json:"force"`
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
