package raftfsm

import (
	"testing"

	"onsale/proof/golden"
)

// The bytes on disk must not change without a new version.
func TestGoldenFormats(t *testing.T) {
	sample := sampleCheck()
	golden.Format(t, "check", sample.append(nil))
}
