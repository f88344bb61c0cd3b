// Package failpoints puts failpoints around a node's disk and clock. Without the build
// tag failpoints it does nothing, and the program has no way to be hurt.
//
// What it trades off: a program that was built to be hurt is not the one that is
// shipped, byte for byte; the calls that are wrapped are.
package failpoints

import "time"

// Clock is where a node's time comes from.
type Clock interface {
	Now() time.Time
	Boot() time.Duration
}
