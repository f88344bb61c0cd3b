package peer

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Errors of making a connection; the other side's word is wrapped in them.
var (
	// ErrProtocol is returned when the other side does not speak this protocol,
	// or a version of it that this program does not know.
	ErrProtocol = errors.New("not a peer of this protocol")
	// ErrOtherCluster is returned when the two belong to different clusters.
	ErrOtherCluster = errors.New("belongs to another cluster")
	// ErrOtherNode is returned when the node is not the one that was wanted, or
	// a caller's certificate is not its own.
	ErrOtherNode = errors.New("is another node")
	// ErrRefused is returned when the node does not take this caller for this
	// service: a front-end that asks for raft, a node that has not joined yet.
	ErrRefused = errors.New("refused")
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
)

// Role says what a process is.
type Role byte

// The roles of processes.
const (
	Node     Role = 'N'
	FrontEnd Role = 'E'
)

// ClusterID names a cluster; it is drawn at random when the cluster is made. The
// zero value is no cluster.
type ClusterID [16]byte

// String returns the id in hexadecimal.
func (id ClusterID) String() string { return hex.EncodeToString(id[:]) }

// ParseClusterID reads what String wrote.
func ParseClusterID(text string) (id ClusterID, err error) {
	if len(text) != 2*len(id) {
		return id, fmt.Errorf("cluster id %q has not %d digits", text, 2*len(id))
	}
	_, err = hex.Decode(id[:], []byte(text))
	return id, err
}

// IDBytesMax bounds the id of a process.
const IDBytesMax = 64

// helloBytes is the length of a hello without the id. Hello and answer have the
// same layout:
//
//	offset  bytes  hello
//	0       4      "ONSP"
//	4       1      version (2)
//	5       1      service ('R', 'F'); in the answer: verdict
//	6       1      role ('N', 'E')
//	7       1      in the answer: number of the cluster; else zero
//	8       16     cluster id; zero when there is none yet
//	24      1      length of the id
//	25             id of the process
const helloBytes = 25

const (
	helloMagic   = "ONSP"
	helloVersion = 2
)

// verdict is a node's answer to a hello.
type verdict byte

const (
	welcome      verdict = 0
	otherCluster verdict = 1
	otherNode    verdict = 2
	refused      verdict = 3
)

// err is what a verdict is to the caller.
func (v verdict) err() error {
	switch v {
	case welcome:
		return nil
	case otherCluster:
		return ErrOtherCluster
	case otherNode:
		return ErrOtherNode
	default:
		return ErrRefused
	}
}

// hello is what both sides say first.
type hello struct {
	word    byte // a Service, or a verdict
	role    Role
	number  uint8
	cluster ClusterID
	id      string
}

func (h *hello) append(dst []byte) []byte {
	dst = append(dst, helloMagic...)
	dst = append(dst, helloVersion, h.word, byte(h.role), h.number)
	dst = append(dst, h.cluster[:]...)
	dst = append(dst, byte(len(h.id)))
	return append(dst, h.id...)
}

func readHello(in io.Reader) (h hello, err error) {
	var data [helloBytes]byte
	if _, err := io.ReadFull(in, data[:]); err != nil {
		return h, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if string(data[:4]) != helloMagic {
		return h, fmt.Errorf("%w: it begins with %q, expected is %q", ErrProtocol, data[:4], helloMagic)
	}
	if data[4] != helloVersion {
		return h, fmt.Errorf("%w: hello version %d, this program knows %d", ErrProtocol, data[4], helloVersion)
	}
	h = hello{word: data[5], role: Role(data[6]), number: data[7], cluster: ClusterID(data[8:24])}
	length := int(data[24])
	if length == 0 || length > IDBytesMax || h.role != Node && h.role != FrontEnd {
		return h, fmt.Errorf("%w: role %q, an id of %d bytes, allowed are 1 to %d", ErrProtocol, h.role, length, IDBytesMax)
	}
	id := make([]byte, length)
	if _, err := io.ReadFull(in, id); err != nil {
		return h, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	h.id = string(id)
	return h, nil
}
