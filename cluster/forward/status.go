package forward

import (
	"errors"
	"fmt"

	"onsale/sequencer"
	"onsale/sequencer/inbox"
	"onsale/wal/journal"
)

// Errors that only this protocol speaks of; the others are the sequencer's.
var (
	// ErrSessionForgotten is returned when the log has forgotten a session; its
	// batch was not executed now.
	ErrSessionForgotten = errors.New("the session was forgotten")
	// ErrToldNoMore is returned when a batch was executed before and its
	// decisions are not in this node's journal any more.
	ErrToldNoMore = errors.New("executed before; the decisions cannot be told")
	// ErrRejected is returned when the other side refuses a question; the
	// message says why.
	ErrRejected = errors.New("rejected")
)

// status is an answer's first word.
type status byte

// The statuses. The body of every one but statusOK and statusNoLeader is a text
// for people.
const (
	statusOK               status = 0
	statusOverloaded       status = 1 // not taken
	statusNoLeader         status = 2 // not taken; body: length of the leader's id 1, id, address
	statusStopping         status = 3 // not taken
	statusOutcomeUnknown   status = 4
	statusSessionForgotten status = 5
	statusToldNoMore       status = 6
	statusBehind           status = 7
	statusRejected         status = 8
	statusNotKept          status = 9
)

// statusErrors pairs statuses with the errors that they stand for.
func statusErrors() []struct {
	status status
	err    error
} {
	return []struct {
		status status
		err    error
	}{
		{statusOverloaded, sequencer.ErrOverloaded}, {statusStopping, sequencer.ErrStopping},
		{statusOutcomeUnknown, sequencer.ErrOutcomeUnknown}, {statusSessionForgotten, ErrSessionForgotten},
		{statusToldNoMore, ErrToldNoMore}, {statusBehind, sequencer.ErrBehind}, {statusRejected, ErrRejected},
		{statusRejected, inbox.ErrFrames}, {statusNoLeader, sequencer.ErrNoLeader}, {statusNotKept, journal.ErrNotKept},
	}
}

// appendError appends an error's body and returns its status.
func appendError(dst []byte, err error) ([]byte, status) {
	var leader *sequencer.NotLeaderError
	if errors.As(err, &leader) {
		dst = append(dst, byte(len(leader.LeaderID)))
		dst = append(dst, leader.LeaderID...)
		return append(dst, leader.LeaderAddress...), statusNoLeader
	}
	for _, known := range statusErrors() {
		if errors.Is(err, known.err) {
			if known.status == statusNoLeader {
				return append(dst, 0), statusNoLeader
			}
			return append(dst, err.Error()...), known.status
		}
	}
	return append(dst, err.Error()...), statusRejected
}

// errorOf returns the error that an answer is; nil for statusOK.
func errorOf(s status, body []byte) error {
	switch s {
	case statusOK:
		return nil
	case statusNoLeader:
		if len(body) < 1 || len(body) < 1+int(body[0]) {
			return fmt.Errorf("%w: leader's name of %d bytes", ErrFrame, len(body))
		}
		id := body[1 : 1+int(body[0])]
		return &sequencer.NotLeaderError{LeaderID: string(id), LeaderAddress: string(body[1+len(id):])}
	}
	for _, known := range statusErrors() {
		if known.status == s {
			return fmt.Errorf("%w (%s)", known.err, body)
		}
	}
	return fmt.Errorf("%w: status %d", ErrFrame, s)
}
