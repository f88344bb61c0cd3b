package membership

import (
	"encoding/json"
	"errors"
	"fmt"

	"onsale/cluster/forward"
	"onsale/raftfsm"
)

// Errors of administration.
var (
	// ErrQuorumAtRisk is returned when a change would leave fewer healthy voters
	// than a quorum.
	ErrQuorumAtRisk = errors.New("the change would put the quorum at risk")
	// ErrRefused is returned when a node is not let in; the message says why and
	// what to do.
	ErrRefused = errors.New("the cluster does not let this node in")
	// ErrRequest is returned when a step of administration is malformed.
	ErrRequest = errors.New("malformed step of administration")
)

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
		return fmt.Errorf("%w: %w: %w", forward.ErrRejected, ErrRequest, err)
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
