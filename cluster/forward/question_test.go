package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"onsale/cluster/codes"
	"onsale/sequencer"
)

func closedPort(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

var positionSeven = reaction{body: binary.LittleEndian.AppendUint64(nil, 7)}

// What a node answers, or does not, decides whether a question is sent again: only one
// that may be asked twice after its answer was lost, both after a node that did not take
// it, neither after the leader's own word.
func TestWhatIsAskedAgain(t *testing.T) {
	rejected, behind := errors.New("odd"), sequencer.ErrBehind
	for name, test := range map[string]struct {
		first           reaction
		asked, told     int // how often, by AskLeader and by TellLeader
		askErr, tellErr error
	}{
		"answered":        {positionSeven, 1, 1, nil, nil},
		"not the leader":  {reaction{err: &sequencer.NotLeaderError{}}, 2, 2, nil, nil},
		"lost":            {reaction{lost: true}, 2, 1, nil, sequencer.ErrOutcomeUnknown},
		"stopping":        {reaction{err: sequencer.ErrStopping}, 1, 1, sequencer.ErrStopping, sequencer.ErrStopping},
		"overloaded":      {reaction{err: sequencer.ErrOverloaded}, 1, 1, sequencer.ErrOverloaded, sequencer.ErrOverloaded},
		"refused":         {reaction{err: rejected}, 1, 1, codes.ErrRejected, codes.ErrRejected},
		"behind":          {reaction{err: behind}, 1, 1, behind, behind},
		"a newer release": {reaction{code: 200}, 1, 1, codes.ErrUnknown, sequencer.ErrOutcomeUnknown},
		"outcome unknown": {reaction{err: sequencer.ErrOutcomeUnknown}, 1, 1, sequencer.ErrOutcomeUnknown, sequencer.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			for once, want := range map[bool]int{false: test.asked, true: test.told} {
				first := true
				node := startScripted(t, "n1", func(frame) reaction {
					if first {
						first = false
						return test.first
					}
					return positionSeven
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				ask, wantErr := AskLeader[uint64], test.askErr
				if once {
					ask, wantErr = TellLeader[uint64], test.tellErr
				}
				seq, err := ask(ctx, linksTo(t, node.address), positionOf(ctx))
				if wantErr == nil && (err != nil || seq != 7) || wantErr != nil && !errors.Is(err, wantErr) || node.asked() != want {
					t.Errorf("once %t: %d, %v after %d questions, want %d", once, seq, err, node.asked(), want)
				}
			}
		})
	}
}

// A question follows the leader that a node names, and looks for one where none is named.
func TestQuestionsFollowTheLeader(t *testing.T) {
	leads := startScripted(t, "n2", func(frame) reaction { return positionSeven })
	names := startScripted(t, "n1", func(frame) reaction {
		return reaction{err: &sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: leads.address}}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, l := range map[string]*Links{
		"named":           linksTo(t, names.address),
		"one is down":     linksTo(t, closedPort(t), leads.address),
		"the down one is": linksTo(t, closedPort(t), closedPort(t), names.address),
	} {
		if seq, err := TellLeader(ctx, l, positionOf(ctx)); err != nil || seq != 7 {
			t.Errorf("%s: %d, %v", name, seq, err)
		}
		if _, leader, _ := l.directory.Leader(); name == "named" && leader != leads.address {
			t.Errorf("%s: %q is thought to lead", name, leader)
		}
	}
	if seq, err := AskAt(ctx, linksTo(t), names.address, positionOf(ctx)); err != nil || seq != 7 {
		t.Errorf("at a node: %d, %v", seq, err)
	}
}

// Who asks at one node does not look for others, and does not go round in circles.
func TestAskAtEnds(t *testing.T) {
	nowhere := closedPort(t)
	wrong := startScripted(t, "n1", func(frame) reaction {
		return reaction{err: &sequencer.NotLeaderError{LeaderID: "n9", LeaderAddress: nowhere}}
	})
	none := startScripted(t, "n1", func(frame) reaction { return reaction{err: &sequencer.NotLeaderError{}} })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, test := range map[string]struct {
		address string
		want    error
	}{"names one that is down": {wrong.address, errNotSent}, "names none": {none.address, sequencer.ErrNoLeader}, "is down": {closedPort(t), errNotSent}} {
		if _, err := AskAt(ctx, linksTo(t, none.address), test.address, positionOf(ctx)); !errors.Is(err, test.want) || ctx.Err() != nil {
			t.Errorf("a node that %s: %v", name, err)
		}
	}
	if wrong.asked() != 1 || none.asked() != 1 {
		t.Errorf("%d and %d questions", wrong.asked(), none.asked())
	}
}

// Without a leader a question ends with its context.
func TestNobodyLeads(t *testing.T) {
	for name, l := range map[string]*Links{"nobody is known": linksTo(t), "nobody is there": linksTo(t, closedPort(t))} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := TellLeader(ctx, l, positionOf(ctx)); !errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrOutcomeUnknown) {
			t.Errorf("%s: told: %v", name, err)
		}
		if _, err := AskLeader(ctx, l, positionOf(ctx)); !errors.Is(unavailable(err), sequencer.ErrNoLeader) {
			t.Errorf("%s: asked: %v", name, err)
		}
		cancel()
	}
}
