package codes

import "errors"

// Errors that only processes speak of, among each other.
var (
	// ErrRejected is returned when the other side refuses what it was asked; the
	// message says why. It was not done.
	ErrRejected = errors.New("rejected")
	// ErrSessionForgotten is returned when the log has forgotten a session; its
	// batch was not executed now.
	ErrSessionForgotten = errors.New("the session was forgotten")
	// ErrToldNoMore is returned when a batch was executed before and its
	// decisions are not in this node's journal any more.
	ErrToldNoMore = errors.New("executed before; the decisions cannot be told")
	// ErrUnknown is returned when another process, of a newer release, speaks of an
	// error that this one has not heard of. What was asked may have been done.
	ErrUnknown = errors.New("an error that this release does not know")
)

// ErrToken is returned when the leader does not take the token with which another node
// sent a seller's command: it is not valid there, or lacks the role.
var ErrToken = errors.New("the leader does not take this token")

// Errors of the cluster's administration.
var (
	// ErrQuorumAtRisk is returned when a change would leave fewer healthy voters
	// than a quorum.
	ErrQuorumAtRisk = errors.New("the change would put the quorum at risk")
	// ErrRefused is returned when a node is not let in; the message says why and
	// what to do.
	ErrRefused = errors.New("the cluster does not let this node in")
	// ErrRemoved is returned to a node that the cluster has removed: it is to end, and is
	// not let in again with what it has.
	ErrRemoved = errors.New("the cluster has removed this node")
	// ErrStep is returned when a step of administration cannot be made now; the message
	// says why.
	ErrStep = errors.New("the step cannot be made")
	// ErrRequest is returned when a step of administration is malformed.
	ErrRequest = errors.New("malformed step of administration")
)

// remote is an error of another process.
type remote struct {
	text  string // as it was said there
	known error  // of the table
}

func (e *remote) Error() string {
	if e.text == "" {
		return e.known.Error()
	}
	return e.text
}

func (e *remote) Unwrap() error { return e.known }
