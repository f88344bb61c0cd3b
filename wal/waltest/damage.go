package waltest

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// EveryDamage calls do with every shorter file and with flipped bits: all of them
// where there are bytes, one in each seventh byte of zeros.
func EveryDamage(sound []byte, do func(what string, data []byte)) {
	for cut := range sound {
		if cut%4096 == 0 || sound[cut] != 0 {
			do(fmt.Sprintf("cut at %d", cut), sound[:cut:cut])
		}
	}

	for at := range sound {
		for bit := range 8 {
			if sound[at] == 0 && (at%7 != 0 || bit != at%8) {
				continue
			}
			data := slices.Clone(sound)
			data[at] ^= 1 << bit
			do(fmt.Sprintf("byte %d, bit %d", at, bit), data)
		}
	}
}

// MemoryDir returns a new folder in memory where the machine has one, else on disk. It
// is removed when the test ends.
func MemoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "onsale-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a folder in memory; what is left goes with the machine
	return dir
}
