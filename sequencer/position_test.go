package sequencer_test

import (
	"errors"
	"math"
	"testing"

	"onsale/sequencer"
)

// A position has one spelling.
func TestPositionText(t *testing.T) {
	for text, want := range map[string]sequencer.Position{
		"0000000000000000-0":                    {},
		"9a3f51c20b7de418-806":                  {Birth: 0x9a3f51c20b7de418, Height: 806},
		"ffffffffffffffff-18446744073709551615": {Birth: math.MaxUint64, Height: math.MaxUint64},
	} {
		if got, err := sequencer.ParsePosition(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s is read as %+v (%v), which is written %s", text, got, err, got)
		}
	}
	for _, text := range []string{"", "-", "806", "9a3f51c20b7de418", "9a3f51c20b7de418-", "9a3f51c20b7de418-0806", "9A3F51C20B7DE418-806",
		"09a3f51c20b7de418-806", "a3f51c20b7de418-806", "9a3f51c20b7de418-+1", "9a3f51c20b7de418--1", "9a3f51c20b7de418-1 ", "9a3f51c20b7de418-18446744073709551616"} {
		if got, err := sequencer.ParsePosition(text); !errors.Is(err, sequencer.ErrBadPosition) {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
}

// Positions compare within one birth: another one's history may have lost a part.
func TestPositionReaches(t *testing.T) {
	at := sequencer.Position{Birth: 7, Height: 10}
	for _, c := range []struct {
		other sequencer.Position
		want  bool
	}{
		{at, true}, {sequencer.Position{Birth: 7, Height: 9}, true}, {sequencer.Position{Birth: 7, Height: 11}, false},
		{sequencer.Position{Birth: 6, Height: 1}, false}, {sequencer.Position{Birth: 8, Height: 10}, false},
	} {
		if got := at.Reaches(c.other); got != c.want {
			t.Errorf("%v reaches %v: %t", at, c.other, got)
		}
	}
}

// The height counts batches, empty ones too, and goes on after a snapshot and a birth.
func TestPositionOfAState(t *testing.T) {
	s, d := sequencer.New(), sequencer.Decisions{}
	if s.Position() != (sequencer.Position{}) {
		t.Errorf("a new state is at %v", s.Position())
	}
	s.Apply(&sequencer.Batch{}, &d)
	birth := sequencer.Command{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest{1, 2, 3, 4, 5, 6, 7, 8, 9}, Count: uint32(sequencer.BirthNew)}
	s.Apply(&sequencer.Batch{Commands: []sequencer.Command{birth}}, &d)
	want := sequencer.Position{Birth: 0x0102030405060708, Height: 2}
	if s.Position() != want || s.AsOf() != (sequencer.AsOf{Seq: 1, Position: want}) {
		t.Errorf("at %v, as of %v, want %v", s.Position(), s.AsOf(), want)
	}
	again, err := reread(s.Snapshot(), s.Hash(), s.Seq())
	if err != nil || again.Position() != want {
		t.Errorf("its snapshot is at %v (%v)", again.Position(), err)
	}
}
