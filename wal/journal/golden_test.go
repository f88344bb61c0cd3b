package journal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Journals are kept for ever: a block's bytes must not change without a new version.
func TestGoldenBlock(t *testing.T) {
	const want = "01000000050000000200000000000000070000000000000003000000000000000807060504030201010203000000000000000000000000000000000000000000000000000000000062617463686465636973696f6e73df684218d93ce5715a55c48e79898916ca866a3f27ba8eba30c6a8413ef83648"
	b := Block{Height: 2, RaftIndex: 7, Term: 3, StateHash: 0x0102030405060708, Previous: Hash{1, 2, 3}, Batch: []byte("batch"), Decisions: []byte("decisions")}
	if got := hex.EncodeToString(appendBlock(nil, &b)); got != want {
		t.Errorf("a block is written as\n%s, it was\n%s", got, want)
	}
}

// Bytes of another version are refused by name, and the message says which one it is.
func TestOtherVersions(t *testing.T) {
	for _, version := range []byte{0, 9} {
		block := appendBlock(nil, &Block{Height: 2, Batch: []byte("batch")})
		block[0] = version
		_, err := DecodeBlock(block)
		if says := fmt.Sprintf("version: %d, this program knows %d", version, blockVersion); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), says) {
			t.Errorf("a block of version %d: %v", version, err)
		}

		question := AppendPageQuestion(nil, PageQuestion{Height: 1, Blocks: 1, Bytes: 1})
		question[0] = version
		_, err = ParsePageQuestion(question)
		if says := fmt.Sprintf("version %d, this program knows %d", version, pageVersion); !errors.Is(err, ErrPage) || !strings.Contains(err.Error(), says) {
			t.Errorf("a question of version %d: %v", version, err)
		}
	}
}
