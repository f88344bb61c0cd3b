package peer

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Service says what a connection is for.
type Service byte

// The services of a node.
const (
	// Raft carries raft's own protocol; for nodes of the same cluster alone.
	Raft Service = 'R'
	// Forward carries batches, questions and the cluster's administration
	// (package forward).
	Forward Service = 'F'
	// Greet is for nothing but the hello: the connection ends with the answer.
	Greet Service = 'G'
)

// Role says what a process is.
type Role byte

// The roles of processes.
const (
	Node     Role = 'N'
	FrontEnd Role = 'E'
	Reader   Role = 'R' // is shown the journal, and nothing else
)

// IDBytesMax bounds the id of a process.
const IDBytesMax = 64

// BuildBytesMax bounds what a process says of its program.
const BuildBytesMax = 64

// PseudonymKeysMax bounds the keys of pseudonyms that a process says that it has.
const PseudonymKeysMax = 4

// PseudonymKeys are the ids of those that a process has, the newest first; 0 from the first that it has not.
type PseudonymKeys [PseudonymKeysMax]uint32

// helloBytes is the length of a hello in front of what has no fixed length. Hello and
// answer have the same layout; numbers are little-endian:
//
//	offset  bytes  hello
//	0       4      "ONSP"
//	4       1      version (4)
//	5       1      service ('R', 'F', 'G'); in the answer: verdict
//	6       1      role ('N', 'E', 'R')
//	7       1      number of the cluster; zero while there is none
//	8       1      length of the id: l, 1 to 64
//	9       1      length of the build: b, at most 64; 0: not said
//	10      2      births of the cluster: n, at most 1024; 0 while there is none
//	12      2      format level that the process speaks at most; 0: not said
//	14      2      format level of its cluster; 0: not said
//	16      8      start number; 0 of a front-end
//	24      24     nonce; in the answer that of the greeting
//	48      8      wall clock, nanoseconds since the Unix epoch; 0: not said
//	56      16     ids of its keys of pseudonyms, newest first; 0: no more
//	72      l      id of the process
//	72+l    b      build: release and commit of its program, printable ASCII
//	        16n    ids of the births, oldest first; the last one is the cluster's id
//	        32     proof of the peer secret; zero without one
const helloBytes = 24 + nonceBytes + 8 + 4*PseudonymKeysMax

// birthBytes is the length of a birth's id.
const birthBytes = 16

// hello is what both sides say of themselves.
type hello struct {
	word   byte // a Service, or a verdict
	role   Role
	number uint8
	speaks uint16
	level  uint16
	start  uint64
	nonce  nonce
	time   int64
	keys   PseudonymKeys
	id     string
	build  string
	births Lineage
	proof  proof
}

// append appends the hello; the proof is its end.
func (h *hello) append(dst []byte) []byte {
	le := binary.LittleEndian
	dst = append(appendPrefix(dst), h.word, byte(h.role), h.number, byte(len(h.id)), byte(len(h.build)))
	dst = le.AppendUint16(dst, uint16(len(h.births)))
	dst = le.AppendUint16(dst, h.speaks)
	dst = le.AppendUint16(dst, h.level)
	dst = le.AppendUint64(dst, h.start)
	dst = append(dst, h.nonce[:]...)
	dst = le.AppendUint64(dst, uint64(h.time))
	for _, id := range h.keys {
		dst = le.AppendUint32(dst, id)
	}
	dst = append(append(dst, h.id...), h.build...)
	for i := range h.births {
		dst = append(dst, h.births[i][:]...)
	}
	return append(dst, h.proof[:]...)
}

// readHello reads a hello and returns its bytes too.
func readHello(in io.Reader) (h hello, data []byte, err error) {
	if err := readPrefix(in); err != nil {
		return h, nil, err
	}
	data = appendPrefix(make([]byte, 0, helloBytes+IDBytesMax+BuildBytesMax+birthBytes+len(proof{})))
	if data, err = readMore(in, data, helloBytes-prefixBytes); err != nil {
		return h, nil, err
	}
	le := binary.LittleEndian
	h = hello{word: data[5], role: Role(data[6]), number: data[7], speaks: le.Uint16(data[12:]), level: le.Uint16(data[14:]),
		start: le.Uint64(data[16:]), nonce: nonce(data[24:]), time: int64(le.Uint64(data[24+nonceBytes:]))}
	for i := range h.keys {
		h.keys[i] = le.Uint32(data[24+nonceBytes+8+4*i:])
	}
	length, build, births := int(data[8]), int(data[9]), int(le.Uint16(data[10:]))
	switch {
	case length == 0 || length > IDBytesMax || h.role != Node && h.role != FrontEnd && h.role != Reader:
		return h, nil, fmt.Errorf("%w: role %q, an id of %d bytes, allowed are 1 to %d", ErrProtocol, h.role, length, IDBytesMax)
	case build > BuildBytesMax:
		return h, nil, fmt.Errorf("%w: a build of %d bytes, allowed are %d", ErrProtocol, build, BuildBytesMax)
	case births > BirthsMax:
		return h, nil, fmt.Errorf("%w: %d births, allowed are %d", ErrProtocol, births, BirthsMax)
	}

	if data, err = readMore(in, data, length+build+births*birthBytes+len(h.proof)); err != nil {
		return h, nil, err
	}
	h.id, h.build = string(data[helloBytes:helloBytes+length]), string(data[helloBytes+length:helloBytes+length+build])
	if !isPrintable(h.build) {
		return h, nil, fmt.Errorf("%w: the build %q is not printable", ErrProtocol, h.build)
	}
	for i := range births {
		id := ClusterID(data[helloBytes+length+build+i*birthBytes:])
		if id == (ClusterID{}) {
			return h, nil, fmt.Errorf("%w: birth %d has no id", ErrProtocol, i+1)
		}
		h.births = append(h.births, id)
	}
	h.proof = proof(data[len(data)-len(h.proof):])
	return h, data, nil
}

// isPrintable reports whether a text is printable ASCII.
func isPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// readMore appends the next bytes to data.
func readMore(in io.Reader, data []byte, count int) ([]byte, error) {
	data = append(data, make([]byte, count)...)
	if _, err := io.ReadFull(in, data[len(data)-count:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return data, nil
}
