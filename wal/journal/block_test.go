package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
)

// sealed gives bytes that were changed the hash of what they are now.
func sealed(data []byte) []byte {
	body := data[:len(data)-sha256.Size]
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

// The hash alone does not make a block: what its header says must fit.
func TestDecodeBlock(t *testing.T) {
	change := func(spoil func(data []byte)) []byte {
		data := appendBlock(nil, block(3))
		spoil(data)
		return sealed(data)
	}
	length := uint32(len(block(3).Batch) + len(block(3).Decisions))
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"whole", appendBlock(nil, block(3)), nil},
		{"empty batch and decisions", appendBlock(nil, &Block{Height: 1}), nil},
		{"a byte short of a header", appendBlock(nil, &Block{Height: 1})[:blockHeaderBytes+sha256.Size-1], ErrCorrupt},
		{"newer version", change(func(data []byte) { data[0]++ }), ErrVersion},
		{"first reserved byte", change(func(data []byte) { data[1] = 1 }), ErrCorrupt},
		{"second reserved byte", change(func(data []byte) { data[2] = 1 }), ErrCorrupt},
		{"third reserved byte", change(func(data []byte) { data[3] = 1 }), ErrCorrupt},
		{"reserved bytes", change(func(data []byte) { data[1], data[2], data[3] = 1, 1, 1 }), ErrCorrupt},
		{"batch takes all", change(func(data []byte) { binary.LittleEndian.PutUint32(data[4:], length) }), nil},
		{"batch takes more", change(func(data []byte) { binary.LittleEndian.PutUint32(data[4:], length+1) }), ErrCorrupt},
		{"another hash", append(appendBlock(nil, block(3))[:blockHeaderBytes], make([]byte, sha256.Size)...), ErrCorrupt},
	} {
		b, err := DecodeBlock(c.data)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil && !bytes.Equal(appendBlock(nil, &b), c.data) {
			t.Errorf("%s: written as %x", c.name, appendBlock(nil, &b))
		}
	}
}

func TestFollows(t *testing.T) {
	for _, c := range []struct {
		previous, before Hash
		want             error
	}{
		{Hash{}, Hash{}, nil}, {Hash{1}, Hash{1}, nil},
		{Hash{1}, Hash{}, ErrCorrupt}, {Hash{}, Hash{1}, ErrCorrupt}, {Hash{2}, Hash{1}, ErrCorrupt},
	} {
		b := Block{Height: 2, Previous: c.previous}
		if err := b.Follows(c.before); !errors.Is(err, c.want) {
			t.Errorf("%x follows %x: %v, want %v", c.previous[:1], c.before[:1], err, c.want)
		}
	}
}
