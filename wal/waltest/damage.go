package waltest

import (
	"fmt"
	"slices"
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
