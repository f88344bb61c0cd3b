package raftfsm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"onsale/raftfsm/folder"
	"onsale/wal/journal"
)

// Replicas compare what they decided as they go. Every CheckBatches batches each keeps
// a checkpoint: the hash of its journal, which covers every decision and every state
// before. The leader asks the others for theirs (package membership) and commits what
// it was told, its own included, with the next batch. Whoever applies that batch sees
// what a majority of the voters says of a height that it has passed itself, and stops
// when it says something else.
//
// What if the leader is the one that is wrong? It commits the claims of the others, who
// agree with each other, and stops itself. No claim of one replica alone can stop
// another: without a majority for one hash nobody stops, and the leader complains. So a
// majority that agrees goes on.
//
// Why a replica that differs must stop at all: it may be elected, or asked. It must stop
// where it stands, not at its next start, and it finds the same entry in its log then.

// ErrDiverged is returned when this replica has decided otherwise than a majority.
var ErrDiverged = errors.New("this replica has decided otherwise than a majority of the voters")

// IsDamage reports whether an error says that this node's data is damaged, lost, or not
// what a majority has. It is repaired from the peers.
func IsDamage(err error) bool { return errors.Is(err, ErrDiverged) || folder.IsDamage(err) }

// IsOtherVersion reports whether an error says that this node's data is whole and of another
// release, or of a level that this one does not speak. Nothing is repaired because of it.
func IsOtherVersion(err error) bool { return folder.IsOtherVersion(err) }

// errCheck is returned when a check in the log cannot be read.
var errCheck = errors.New("a check of the replicas is malformed")

// Checkpoint is what a replica had decided at a height of its journal.
type Checkpoint struct {
	Height    uint64       `json:"height"`
	StateHash uint64       `json:"state_hash"`
	Hash      journal.Hash `json:"hash"`
}

// claim is a member's checkpoint as the leader was told.
type claim struct {
	id        string
	voter     bool
	stateHash uint64
	hash      journal.Hash
}

// check is what the leader was told of one height.
type check struct {
	height uint64
	voters int // of the cluster, whether they were reached or not
	claims []claim
}

// decided returns a claim of the hash that a majority of the voters have.
func (c *check) decided() (*claim, bool) {
	for i := range c.claims {
		votes := 0
		for _, other := range c.claims {
			if other.voter && other.hash == c.claims[i].hash {
				votes++
			}
		}
		if votes > c.voters/2 {
			return &c.claims[i], true
		}
	}
	return nil, false
}

// checkVersion is the first byte of a check. A version that this program does not know
// is passed over: it says nothing about the state.
const checkVersion = 1

// checkHeaderBytes is what precedes the claims, claimBytes a claim without its id.
//
//	offset  bytes  check, the extension of a raft entry, little-endian
//	0       1      version (1)
//	1       1      claims
//	2       2      voters of the cluster
//	4       8      height
//	12             claims:
//	        1      1 for a voter
//	        1      length of the id
//	        8      hash of the state
//	        32     hash of the journal's block
//	               id
const (
	checkHeaderBytes = 12
	claimBytes       = 42
	claimsMax        = 255
)

func (c *check) append(dst []byte) []byte {
	le := binary.LittleEndian
	dst = append(dst, checkVersion, byte(len(c.claims)))
	dst = le.AppendUint16(dst, uint16(c.voters))
	dst = le.AppendUint64(dst, c.height)
	for i := range c.claims {
		claim := &c.claims[i]
		vote := byte(0)
		if claim.voter {
			vote = 1
		}
		dst = append(dst, vote, byte(len(claim.id)))
		dst = le.AppendUint64(dst, claim.stateHash)
		dst = append(dst, claim.hash[:]...)
		dst = append(dst, claim.id...)
	}
	return dst
}

// decodeCheck returns nil for a version that this program does not know.
func decodeCheck(data []byte) (*check, error) {
	if len(data) > 0 && data[0] != checkVersion {
		return nil, nil
	}
	if len(data) < checkHeaderBytes {
		return nil, fmt.Errorf("%w: %d bytes", errCheck, len(data))
	}
	le := binary.LittleEndian
	c := &check{voters: int(le.Uint16(data[2:])), height: le.Uint64(data[4:]), claims: make([]claim, data[1])}
	rest := data[checkHeaderBytes:]
	for i := range c.claims {
		if len(rest) < claimBytes || len(rest) < claimBytes+int(rest[1]) || rest[0] > 1 {
			return nil, fmt.Errorf("%w: claim %d of %d", errCheck, i, len(c.claims))
		}
		end := claimBytes + int(rest[1])
		c.claims[i] = claim{id: string(rest[claimBytes:end]), voter: rest[0] == 1, stateHash: le.Uint64(rest[2:]), hash: journal.Hash(rest[10:42])}
		rest = rest[end:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", errCheck, len(rest))
	}
	return c, nil
}
