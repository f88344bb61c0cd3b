package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// A batch of another process is exactly the commands that it announces, each of a length
// that a command may have, and of a kind that buyers ask for.
func TestForwardedBatchesAreWhole(t *testing.T) {
	front := func(count int) []byte {
		frames := make([]byte, ForwardBytes)
		PutForward(frames, 7, 9, count)
		return frames
	}
	// framed is a buy whose frame says that it has so many bytes, kind included.
	framed := func(says, has int) []byte {
		data := binary.LittleEndian.AppendUint16(nil, uint16(says))
		return append(append(data, byte(KindBuy)), make([]byte, has-1)...)
	}
	buy := AppendCommand(nil, &Command{Kind: KindBuy, Sale: 1, Quantity: 1, User: []byte("ann")})
	refund := AppendCommand(nil, &Command{Kind: KindRefund, Order: 3})
	for name, c := range map[string]struct {
		rest  []byte
		count int
		taken bool
	}{
		"nothing":                   {nil, 0, true},
		"two":                       {append(bytes.Clone(buy), buy...), 2, true},
		"one, of two":               {buy, 2, false},
		"two, of one":               {append(bytes.Clone(buy), buy...), 1, false},
		"a part of one":             {buy[:len(buy)-1], 1, false},
		"a length alone":            {buy[:2], 1, false},
		"a length and a kind":       {framed(1, 1), 1, true},
		"a length of nothing":       {framed(0, 1), 1, false},
		"the longest":               {framed(CommandBytesMax, CommandBytesMax), 1, true},
		"longer than a command is":  {framed(CommandBytesMax+1, CommandBytesMax+1), 1, false},
		"more than is there":        {framed(5, 4), 1, false},
		"a refund":                  {refund, 1, false},
		"a refund behind a buy":     {append(bytes.Clone(buy), refund...), 2, false},
		"a refund behind the count": {append(bytes.Clone(buy), refund...), 1, false},
	} {
		session, number, count, err := ForwardOf(append(front(c.count), c.rest...))
		if c.taken != (err == nil) || !c.taken && !errors.Is(err, ErrForward) {
			t.Errorf("%s: %v", name, err)
		}
		if c.taken && (session != 7 || number != 9 || count != c.count) || !c.taken && (session != 0 || number != 0 || count != 0) {
			t.Errorf("%s: session %d, number %d, %d commands", name, session, number, count)
		}
	}
	for end := range ForwardBytes {
		if _, _, _, ok := ParseForward(front(0)[:end]); ok {
			t.Errorf("%d bytes are a forward command", end)
		}
	}
	for at := range 3 {
		odd := front(0)
		odd[at]++
		if _, _, _, err := ForwardOf(odd); !errors.Is(err, ErrForward) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
}
