package sequencer

import "errors"

// Errors of asking for a decision and getting none. They are defined here
// because the asking side (api) and the deciding side (raftfsm) both speak of
// them and neither knows the other. Wrapped with %w, compared with errors.Is.
var (
	// ErrOverloaded is returned when the inbox is full: the request has no
	// place in the order and may be sent again.
	ErrOverloaded = errors.New("overloaded: the inbox is full")
	// ErrNoLeader is returned when this node does not lead and the request was
	// not taken; a *NotLeaderError says where the leader is, when known.
	ErrNoLeader = errors.New("no leader here")
	// ErrOutcomeUnknown is returned when leadership was lost while the request
	// was in flight: it may or may not be decided. Only a retry with the same
	// idempotency key is safe.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrStopping is returned when the node is shutting down; the request was
	// not taken.
	ErrStopping = errors.New("stopping")
	// ErrSuperseded is returned when another cluster succeeds this node's, which was
	// restored or recovered elsewhere: the request was not taken, and this node takes
	// none any more.
	ErrSuperseded = errors.New("this cluster is superseded by another one")
	// ErrStorageLow is returned when a buy is not taken because the nodes keep the rest of
	// their disks for payments: it may be sent again when they have room.
	ErrStorageLow = errors.New("storage is low: buys wait until there is room")
	// ErrBehind is returned when a replica did not reach an asked position in time.
	ErrBehind = errors.New("replica has not reached that position yet")
)

// NotLeaderError names the node that leads. It is an ErrNoLeader.
type NotLeaderError struct {
	LeaderID      string // "" when unknown
	LeaderAddress string // public HTTP address, "" when unknown
}

// Error says where to go.
func (e *NotLeaderError) Error() string {
	if e.LeaderID == "" {
		return "not the leader; the leader is unknown (an election may be under way)"
	}
	return "not the leader; the leader is " + e.LeaderID + " at " + e.LeaderAddress
}

// Unwrap makes errors.Is(err, ErrNoLeader) true.
func (e *NotLeaderError) Unwrap() error { return ErrNoLeader }
