package peer

import (
	"errors"
	"fmt"
)

// Errors of making a connection; the other side's word is wrapped in them.
var (
	// ErrProtocol is returned when the other side does not speak this protocol.
	ErrProtocol = errors.New("not a peer of this protocol")
	// ErrVersion is returned when the other side speaks another version of the hello; the
	// message says which.
	ErrVersion = errors.New("another version of the peers' protocol")
	// ErrOtherCluster is returned when the two belong to unrelated clusters.
	ErrOtherCluster = errors.New("belongs to another cluster")
	// ErrSuperseded is returned when the other's cluster succeeds this process's: this
	// process must take no requests any more.
	ErrSuperseded = errors.New("this process's cluster is superseded")
	// ErrOlderCluster is returned when this process's cluster succeeds the other's.
	ErrOlderCluster = errors.New("belongs to a cluster that is superseded")
	// ErrParted is returned when both clusters go on from the same one, each by itself:
	// one of them must not sell on, and only people know which.
	ErrParted = errors.New("belongs to a cluster that parted from this one")
	// ErrOtherNode is returned when the node is not the one that was wanted, or
	// a caller's certificate is not its own.
	ErrOtherNode = errors.New("is another node")
	// ErrReplaced is returned when another process was started later with this process's
	// node id: this one must end.
	ErrReplaced = errors.New("another process was started later with this node's id")
	// ErrOlderStart is returned when another process was started later with the other's
	// node id.
	ErrOlderStart = errors.New("was replaced by a process that was started later with its node id")
	// ErrSecret is returned when one side does not prove that it has the peer secret.
	ErrSecret = errors.New("the two do not have the same peer secret (--peer-secret-file)")
	// ErrLevel is returned when one side does not speak the format level that the other's
	// cluster is at.
	ErrLevel = errors.New("does not speak the cluster's format level")
	// ErrBelow is returned with ErrLevel when it is this process that does not speak the
	// level of a node's cluster: it can take no part in it.
	ErrBelow = errors.New("this release is too old for the cluster")
	// ErrPseudonyms is returned when a front-end has no key of pseudonyms and the node has some: it
	// would send buyers' names on to a log that is to have none.
	ErrPseudonyms = errors.New("the front-end has no key of pseudonyms, the node has (--pseudonyms-file)")
	// ErrRefused is returned when the node does not take this caller for this
	// service: a front-end that asks for raft, a node that has not joined yet.
	ErrRefused = errors.New("refused")
)

// verdict is a node's answer to a hello. The numbers are for good.
type verdict byte

const (
	welcome      verdict = 0
	otherCluster verdict = 1
	otherNode    verdict = 2
	refused      verdict = 3
	superseded   verdict = 4 // the caller's cluster is
	olderCluster verdict = 5 // the node's cluster is superseded by the caller's
	parted       verdict = 6
	unproven     verdict = 7  // the caller has not the node's secret, or the node none
	replaced     verdict = 8  // the caller is the older of two processes with its id
	olderLevel   verdict = 9  // the caller does not speak the level of the node's cluster
	namesInClear verdict = 10 // the caller is a front-end without keys of pseudonyms
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
	case superseded:
		return ErrSuperseded
	case olderCluster:
		return ErrOlderCluster
	case parted:
		return ErrParted
	case unproven:
		return ErrSecret
	case replaced:
		return ErrReplaced
	case olderLevel:
		return ErrLevel
	case namesInClear:
		return ErrPseudonyms
	default:
		return ErrRefused
	}
}

// refusal tells which node said no.
func refusal(said *hello, err error) error {
	return fmt.Errorf("node %q of cluster %v: %w", said.id, said.births.Newest(), err)
}
