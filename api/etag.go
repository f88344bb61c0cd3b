package api

import (
	"fmt"
	"hash/fnv"
)

// Tags are made of the fields that the caller sees, with the same result on
// every replica and after every restart, so that a copy from one is known to
// another. They are weak, because as_of_seq changes while the rest does not.

// mixTag adds a part to a tag: FNV-1a's step on words, then a shift, so that
// high bits count too.
func mixTag(tag, part uint64) uint64 {
	tag = (tag ^ part) * 0x100000001b3
	return tag ^ tag>>29
}

func textTag(text string) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text)) // never fails
	return hash.Sum64()
}

func formatTag(tag uint64) string { return fmt.Sprintf(`W/"%016x"`, tag) }
