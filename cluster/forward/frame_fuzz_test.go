package forward

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"onsale/cluster/codes"
	"onsale/sequencer"
)

// Whatever bytes come, a reader ends with an error or gives frames that are
// written again as they came, and never holds much more than what came.
func FuzzFrames(f *testing.F) {
	good := make([]byte, frameHeaderBytes+5)
	putFrameHeader(good, kindBatch, 0, 7)
	f.Add(good)
	f.Add(append(bytes.Clone(good), good...))
	f.Add([]byte{0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		in := newFrameReader(bytes.NewReader(data), 1<<20)
		var again []byte
		for {
			got, err := in.next()
			if err != nil {
				break
			}
			start := len(again)
			again = append(append(again, make([]byte, frameHeaderBytes)...), got.body...)
			putFrameHeader(again[start:], got.kind, got.code, got.id)
		}
		if !bytes.HasPrefix(data, again) {
			t.Fatalf("%x was read as %x", data, again)
		}
		if cap(in.body) > 2*len(data)+bodyStep {
			t.Fatalf("%d bytes made a buffer of %d", len(data), cap(in.body))
		}
	})
}

func FuzzOrderViews(f *testing.F) {
	view := sequencer.OrderView{Seq: 5, Sale: 2, SaleID: "gig", User: "ann", State: sequencer.StateReserved, Quantity: 2, Requested: 2, Min: 1, Deadline: 9, CreatedAt: 3, AsOfSeq: 8, Overdue: true, Position: 4, Attempts: 1, VoidsDue: 1, CaptureDue: true, Voided: 2, Reason: sequencer.ReasonDeclined, Reference: "CART 7"}
	f.Add(appendOrderView(make([]byte, 8), &view))
	f.Fuzz(func(t *testing.T, data []byte) {
		views, asOf, err := parseOrderViews(data)
		if err != nil {
			return
		}
		again := appendAsOf(nil, asOf)
		for i := range views {
			again = appendOrderView(again, &views[i])
		}
		if !bytes.Equal(again, data) {
			t.Fatalf("%x was read as %x", data, again)
		}
	})
}

func FuzzQuestions(f *testing.F) {
	f.Add((&orderQuestion{seq: 1, reached: 2, wait: 3}).append(nil, false), false)
	f.Add((&orderQuestion{seq: 1, reached: 2, wait: 3, limit: 4, user: []byte("u")}).append(nil, true), true)
	f.Fuzz(func(t *testing.T, data []byte, ofUser bool) {
		q, err := parseOrderQuestion(data, ofUser)
		if err == nil && !bytes.Equal(q.append(nil, ofUser), data) {
			t.Fatalf("%x was read as %+v", data, q)
		}
	})
}

// An answer that is malformed ends its connection; one with a code that is not known does
// not.
func TestAnswersAreErrors(t *testing.T) {
	if err := saidBy(codes.OK, []byte("anything")); err != nil {
		t.Error(err)
	}
	for _, leader := range [][]byte{nil, {9}, {2, 'n'}} {
		_, code := codes.Append(nil, sequencer.ErrNoLeader)
		if err := saidBy(code, leader); !errors.Is(err, ErrFrame) || !gone(err) {
			t.Errorf("a leader's name of %x is %v", leader, err)
		}
	}
	if err := saidBy(77, []byte("new")); !errors.Is(err, codes.ErrUnknown) || gone(err) || !mayBeTaken(err) {
		t.Errorf("an unknown code is %v", err)
	}
}

func TestGrant(t *testing.T) {
	want := grant{77, Limits{8192, 1 << 18}}
	got, err := parseGrant(want.append(nil))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, bad := range [][]byte{nil, make([]byte, grantBytes), make([]byte, grantBytes+1)} {
		if _, err := parseGrant(bad); !errors.Is(err, ErrFrame) {
			t.Errorf("%x: %v", bad, err)
		}
	}
}
