package sequencer

import (
	"errors"
	"fmt"
)

// ErrLevel is returned when a state or a log is at a level that this program does not speak.
// It is whole; a later release reads it.
var ErrLevel = errors.New("the cluster's level is above what this release speaks")

const (
	// LevelFirst is the level of a new state.
	LevelFirst = 1
	// LevelBound is the last level that there can be.
	LevelBound = 1<<16 - 1
)

// A level is a place in the sequence of formats that programs have for what they write into
// the log and say to each other. A cluster writes no format above its level. The level is
// part of the state and is raised by a command alone, so every replica knows at the same
// place of the log what may stand behind it, and a program that does not know the level
// stops at the very command that raised it: everything before was in formats that it reads.
//
// It is raised by one step at a time. Each release reads the formats of its own level and of
// the one before, so a step is what all members can be sure to read of each other; and two
// commands that were given at once raise it once, because the second one names a level that
// is there already.

// Level returns the level of the formats in which the cluster writes.
func (s *State) Level() uint16 { return s.level }

// CheckLevel returns ErrLevel for a level above LevelMax. What keeps a state asks it: the
// rules know no LevelMax, because replicas of two releases must decide alike.
func CheckLevel(level uint16) error {
	if level <= LevelMax {
		return nil
	}
	return fmt.Errorf("%w: it is at level %d, and this release speaks up to %d; install the release that it was raised with, or a later one",
		ErrLevel, level, LevelMax)
}

// raise decides a command that raises the level by a step.
func (s *State) raise(c *Command, r *Result) {
	if c.Amount != int64(s.level)+1 || c.Amount > LevelBound {
		r.Code = CodeBadRequest
		return
	}
	s.level++
}
