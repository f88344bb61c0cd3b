package journal

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"onsale/proof/golden"
)

// Journals are kept for ever: a block's bytes must not change without a new version.
func TestGoldenBlock(t *testing.T) {
	b := Block{Height: 2, RaftIndex: 7, Term: 3, StateHash: 0x0102030405060708, Previous: Hash{1, 2, 3}, Batch: []byte("batch"), Decisions: []byte("decisions")}
	golden.Format(t, "block", appendBlock(nil, &b))
	golden.Format(t, "page_question", AppendPageQuestion(nil, PageQuestion{Height: 0x0102030405060708, Offset: 0x11121314, Blocks: 5, Bytes: 6}))
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
