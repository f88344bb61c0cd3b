package challenge

import (
	"context"
	"fmt"
	"strconv"
)

// triesBetweenLooks is how many nonces are tried before ctx is looked at.
const triesBetweenLooks = 1 << 14

// Solve does the work that a challenge asks and returns the answer. On average it
// takes 2^difficultyBits hashes on one core, and e times that for one in fifteen;
// the error is that of ctx, or ErrBadConfig for a difficulty out of bounds.
func Solve(ctx context.Context, challenge string, difficultyBits int) (string, error) {
	if difficultyBits < DifficultyBitsMin || difficultyBits > DifficultyBitsMax {
		return "", fmt.Errorf("%w: %d bits of difficulty, allowed is %d to %d", ErrBadConfig, difficultyBits, DifficultyBitsMin, DifficultyBitsMax)
	}
	prefix := append([]byte(challenge), ':')
	text := prefix
	for nonce := uint64(0); ; nonce++ {
		if nonce%triesBetweenLooks == 0 && ctx.Err() != nil {
			return "", ctx.Err()
		}
		text = strconv.AppendUint(text[:len(prefix)], nonce, 10)
		if zeroBits(text) >= difficultyBits {
			return string(text), nil
		}
	}
}
