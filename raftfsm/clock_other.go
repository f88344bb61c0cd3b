//go:build !linux

package raftfsm

import "time"

// Boot is the monotonic clock, which on some systems stands still while the machine is
// suspended.
func (c systemClock) Boot() time.Duration { return time.Since(c.started) }
