package codes

import (
	"errors"
	"fmt"

	"onsale/payment"
	"onsale/raftfsm"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
	"onsale/wal/journal"
)

// Code is an error's number on the wire; 0 is none.
type Code byte

// OK is the code of an answer that is no error. Beside every other code but that of
// ErrNoLeader goes the error's text.
const OK Code = 0

// noLeader goes with the leader's name: length of its id 1, id, address; all empty when
// it is not known.
const noLeader Code = 2

// rejected is what an error travels as that has no code of its own.
const rejected Code = 8

// row is an error with its code.
type row struct {
	code Code
	err  error
}

// table returns every code. An error that is several of these travels as the first.
func table() []row {
	return []row{
		{1, sequencer.ErrOverloaded},
		{noLeader, sequencer.ErrNoLeader},
		{3, sequencer.ErrStopping},
		{4, sequencer.ErrOutcomeUnknown},
		{5, ErrSessionForgotten},
		{6, ErrToldNoMore},
		{7, sequencer.ErrBehind},
		{9, journal.ErrNotKept},

		{10, ErrRequest},
		{11, ErrQuorumAtRisk},
		{25, ErrRemoved},
		{12, ErrRefused},
		{13, raftfsm.ErrNotMember},
		{14, raftfsm.ErrMembershipMoved},
		{15, raftfsm.ErrBelongs},

		{16, payment.ErrOff},
		{17, payment.ErrNotice},
		{18, sequencer.ErrSuperseded},
		{19, payment.ErrForeign},
		{21, sequencer.ErrStorageLow},
		{26, payment.ErrMethod},
		{27, payment.ErrOtherAccount},
		{28, payment.ErrNoAnswer},

		{20, ErrToken},
		{22, ErrStep},
		{23, raftfsm.ErrTransfer},
		{24, raftfsm.ErrImpossible},

		{rejected, ErrRejected},
		{rejected, inbox.ErrFrames},
		{rejected, sequencer.ErrForward},
		{255, ErrUnknown},
	}
}

// Append appends what goes with an error's code and returns the code.
func Append(dst []byte, err error) ([]byte, Code) {
	if leader, named := errors.AsType[*sequencer.NotLeaderError](err); named {
		dst = append(dst, byte(len(leader.LeaderID)))
		dst = append(dst, leader.LeaderID...)
		return append(dst, leader.LeaderAddress...), noLeader
	}
	code := codeOf(err)
	if code == noLeader {
		return append(dst, 0), code
	}
	return append(dst, err.Error()...), code
}

func codeOf(err error) Code {
	for _, known := range table() {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return rejected
}

// Decode returns the error that another process spoke of, nil for OK; malformed when the
// body is not what goes with the code.
func Decode(code Code, body []byte) (said, malformed error) {
	switch code {
	case OK:
		return nil, nil
	case noLeader:
		return decodeLeader(body)
	}
	for _, known := range table() {
		if known.code == code {
			return &remote{string(body), known.err}, nil
		}
	}
	return fmt.Errorf("%w (code %d): %s", ErrUnknown, code, body), nil
}

func decodeLeader(body []byte) (said, malformed error) {
	if len(body) < 1 || len(body) < 1+int(body[0]) {
		return nil, fmt.Errorf("a leader's name of %d bytes", len(body))
	}
	id := body[1 : 1+int(body[0])]
	return &sequencer.NotLeaderError{LeaderID: string(id), LeaderAddress: string(body[1+len(id):])}, nil
}
