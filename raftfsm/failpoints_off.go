//go:build !failpoints

package raftfsm

import (
	"onsale/wal"
)

// withFailpoints returns the disk: this program has no failpoints.
func withFailpoints(files wal.Files) wal.Files { return files }

// jumping returns the clock: in this program nobody moves it.
func jumping(c Clock) Clock { return c }
