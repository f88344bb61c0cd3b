package codes

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"onsale/payment"
	"onsale/raftfsm"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
	"onsale/wal/journal"
)

// The codes are for good: a release that gave one to another error would mislead its
// peers.
func TestCodesAreForGood(t *testing.T) {
	for code, err := range map[Code]error{
		1: sequencer.ErrOverloaded, 2: sequencer.ErrNoLeader, 3: sequencer.ErrStopping, 4: sequencer.ErrOutcomeUnknown,
		5: ErrSessionForgotten, 6: ErrToldNoMore, 7: sequencer.ErrBehind, 8: ErrRejected, 9: journal.ErrNotKept,
		10: ErrRequest, 11: ErrQuorumAtRisk, 12: ErrRefused, 13: raftfsm.ErrNotMember, 14: raftfsm.ErrMembershipMoved,
		15: raftfsm.ErrBelongs, 16: payment.ErrOff, 17: payment.ErrNotice,
		18: sequencer.ErrSuperseded, 19: payment.ErrForeign, 20: ErrToken, 21: sequencer.ErrStorageLow, 26: payment.ErrMethod, 27: payment.ErrOtherAccount, 28: payment.ErrNoAnswer, 22: ErrStep,
		23: raftfsm.ErrTransfer, 24: raftfsm.ErrImpossible, 25: ErrRemoved, 255: ErrUnknown,
	} {
		if _, got := Append(nil, fmt.Errorf("deep: %w", fmt.Errorf("inside: %w", err))); got != code {
			t.Errorf("%v travels as %d, want %d", err, got, code)
		}
	}
	rows := map[Code]bool{}
	for _, known := range table() {
		if rows[known.code] && known.code != rejected {
			t.Errorf("code %d is two errors'", known.code)
		}
		rows[known.code] = true
	}
	if len(rows) != 29 {
		t.Errorf("%d codes; name each above", len(rows))
	}
}

// Every error arrives as what it is, with its text, and as nothing else.
func TestErrorsArrive(t *testing.T) {
	for _, sent := range table() {
		body, code := Append(nil, fmt.Errorf("node n3, %w: more", sent.err))
		got, malformed := Decode(code, body)
		if malformed != nil {
			t.Fatal(malformed)
		}
		if code != noLeader && got.Error() != "node n3, "+sent.err.Error()+": more" {
			t.Errorf("%v arrives with the text %q", sent.err, got)
		}
		for _, known := range table() {
			if code != rejected && errors.Is(got, known.err) != errors.Is(sent.err, known.err) {
				t.Errorf("%v arrives as %v: %t", sent.err, known.err, errors.Is(got, known.err))
			}
		}
	}
	body, code := Append(nil, inbox.ErrFrames)
	if got, _ := Decode(code, body); !errors.Is(got, ErrRejected) {
		t.Errorf("malformed frames arrive as %v", got)
	}
}

// The leader's name arrives, and that nobody is known.
func TestTheLeaderArrives(t *testing.T) {
	for _, leader := range []sequencer.NotLeaderError{{LeaderID: "n2", LeaderAddress: "10.0.0.2:7101"}, {}, {LeaderAddress: "x"}} {
		body, code := Append(nil, fmt.Errorf("here: %w", &leader))
		said, malformed := Decode(code, body)
		if got, named := errors.AsType[*sequencer.NotLeaderError](said); malformed != nil || !named || *got != leader {
			t.Errorf("%+v arrives as %v, %v", leader, said, malformed)
		}
	}
	body, code := Append(nil, fmt.Errorf("nobody: %w", sequencer.ErrNoLeader))
	if got, _ := Decode(code, body); !errors.Is(got, sequencer.ErrNoLeader) {
		t.Errorf("no leader arrives as %v", got)
	}
	for _, bad := range [][]byte{nil, {1}, {9, 'n'}} {
		if _, malformed := Decode(noLeader, bad); malformed == nil {
			t.Errorf("a leader's name of %x was taken", bad)
		}
	}
}

// An error without a code is a refusal; a code without an error is told as what it is.
func TestStrangers(t *testing.T) {
	body, code := Append(nil, errors.New("raft log is full"))
	if got, _ := Decode(code, body); !errors.Is(got, ErrRejected) || got.Error() != "raft log is full" {
		t.Errorf("an error without a code arrives as %v", got)
	}
	got, malformed := Decode(200, []byte("the moon is down"))
	if malformed != nil || !errors.Is(got, ErrUnknown) || !strings.Contains(got.Error(), "200") || !strings.Contains(got.Error(), "the moon is down") {
		t.Errorf("a newer release's error arrives as %v, %v", got, malformed)
	}
	if said, malformed := Decode(OK, []byte("anything")); said != nil || malformed != nil {
		t.Errorf("no error arrives as %v, %v", said, malformed)
	}
	if got, _ := Decode(1, nil); got.Error() != sequencer.ErrOverloaded.Error() {
		t.Errorf("an error without a text reads %q", got)
	}
}

// Whatever comes, it is an error or none, and what is well-formed is passed on as it came.
func FuzzDecode(f *testing.F) {
	for _, known := range table() {
		body, code := Append(nil, known.err)
		f.Add(byte(code), body)
	}
	body, code := Append(nil, &sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: "10.0.0.2:7101"})
	f.Add(byte(code), body)
	f.Add(byte(200), []byte("new"))
	f.Fuzz(func(t *testing.T, code byte, body []byte) {
		said, malformed := Decode(Code(code), body)
		if (said == nil) != (Code(code) == OK || malformed != nil) {
			t.Fatalf("code %d with %x is %v, %v", code, body, said, malformed)
		}
		if said == nil || errors.Is(said, ErrUnknown) {
			return
		}
		again, back := Append(nil, said)
		if back != Code(code) || len(body) > 0 && !bytes.Equal(again, body) {
			t.Fatalf("code %d with %x was passed on as %d with %x", code, body, back, again)
		}
	})
}
