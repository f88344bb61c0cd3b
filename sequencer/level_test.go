package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// raiseTo decides a command that raises the level.
func raiseTo(s *State, level int64) Code {
	var d Decisions
	s.Apply(&Batch{Commands: []Command{{Kind: KindLevel, Amount: level}}}, &d)
	return d.Results[0].Code
}

func TestLevelGoesUpByAStep(t *testing.T) {
	s := New()
	if s.Level() != LevelFirst {
		t.Fatalf("a new state is at level %d", s.Level())
	}
	for _, c := range []struct {
		to   int64
		want Code
		is   uint16
	}{
		{0, CodeBadRequest, 1}, {1, CodeBadRequest, 1}, {3, CodeBadRequest, 1}, {2, CodeOK, 2}, {2, CodeBadRequest, 2},
		{1 << 16, CodeBadRequest, 2}, {1<<16 + 3, CodeBadRequest, 2}, {3, CodeOK, 3},
	} {
		if got := raiseTo(s, c.to); got != c.want || s.Level() != c.is {
			t.Errorf("to %d: %s, level %d; want %s, %d", c.to, got, s.Level(), c.want, c.is)
		}
	}
	s.level = LevelBound
	if got := raiseTo(s, LevelBound+1); got != CodeBadRequest || s.Level() != LevelBound {
		t.Errorf("beyond the bound: %s, level %d", got, s.Level())
	}
}

// The level is part of the hash above the first one, and of a snapshot.
func TestLevelInHashAndSnapshot(t *testing.T) {
	one, other := New(), New()
	raiseTo(one, 2)
	raiseTo(other, 1)
	if one.Hash() == other.Hash() {
		t.Error("two states of different levels have one hash")
	}
	var written, low bytes.Buffer
	for state, to := range map[*State]*bytes.Buffer{one: &written, other: &low} {
		if _, err := state.Snapshot().WriteTo(to); err != nil {
			t.Fatal(err)
		}
	}
	if more := written.Len() - low.Len(); more != sectionHeaderBytes+levelBytes {
		t.Errorf("the level takes %d bytes of a snapshot", more)
	}
	again, err := ReadSnapshot(&written)
	if err != nil || again.Level() != 2 || again.Hash() != one.Hash() {
		t.Errorf("restored %+v, %v", again, err)
	}
}

// What is no level in a snapshot.
func TestLevelOfABadSnapshot(t *testing.T) {
	s := New()
	raiseTo(s, 2)
	for level, want := range map[uint64]error{2: nil, 0: ErrSnapshotCorrupt, 1: ErrSnapshotCorrupt, 1 << 16: ErrSnapshotCorrupt} {
		var written bytes.Buffer
		if _, err := s.Snapshot().WriteTo(&written); err != nil {
			t.Fatal(err)
		}
		data, le := written.Bytes(), binary.LittleEndian
		at := len(data) - 4 - levelBytes
		le.PutUint64(data[at:], level)
		le.PutUint64(data[at-8:], level)
		le.PutUint32(data[len(data)-4:], crc32.Checksum(data[:len(data)-4], castagnoli))
		if _, err := ReadSnapshot(bytes.NewReader(data)); !errors.Is(err, want) {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

func TestCheckLevel(t *testing.T) {
	if err := CheckLevel(LevelMax); err != nil {
		t.Error(err)
	}
	says := fmt.Sprintf("at level %d, and this release speaks up to %d", LevelMax+1, LevelMax)
	if err := CheckLevel(LevelMax + 1); !errors.Is(err, ErrLevel) || !strings.Contains(err.Error(), says) {
		t.Error(err)
	}
}

// A batch of the first level is as every release reads it, whatever this build speaks.
func TestLevelOfABatch(t *testing.T) {
	for level := uint16(LevelFirst); level <= LevelMax; level++ {
		data := AppendBatch(nil, &Batch{Commands: []Command{{Kind: KindSessionOpen}}})
		PutBatchHeaderAt(data, level, 7, 1)
		if isFirst := data[0] == BatchVersion; isFirst != (level == LevelFirst) {
			t.Errorf("at level %d a batch has version %d", level, data[0])
		}
		var b Batch
		if err := DecodeBatch(data, &b); err != nil || b.Time != 7 || len(b.Commands) != 1 {
			t.Errorf("at level %d: %+v, %v", level, b, err)
		}
		for at := 1; at <= 3; at++ {
			data[at] ^= 1
			if err := DecodeBatch(data, &b); !errors.Is(err, ErrBatchCorrupt) {
				t.Errorf("at level %d, byte %d changed: %v", level, at, err)
			}
			data[at] ^= 1
		}
	}
}
