package folder

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal"
)

// ErrIdentity is returned when a data folder belongs to another node or another
// cluster, or has lost what it held: starting on it could make one voter vote
// twice. The message says what to do.
var ErrIdentity = errors.New("data folder is not this node's")

// ErrIdentityDamaged is returned when NODE.json is not what was written. One that another
// release wrote gives ErrVersion.
var ErrIdentityDamaged = errors.New("identity is damaged")

const identityVersion = 4

const identityName = "NODE.json"

// Member is one node of a cluster.
type Member struct {
	ID      string `json:"id"`      // unique, never reused for another data folder
	Address string `json:"address"` // host:port where the others reach it
	// Folder is the id of its data folder when the cluster was made; "" for a
	// node that joined later.
	Folder string `json:"folder,omitempty"`
	Voter  bool   `json:"voter"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Identity is the content of NODE.json: whose data folder this is.
type Identity struct {
	Version int    `json:"version"`
	NodeID  string `json:"node_id"`
	// Folder is drawn when the folder is made: a folder that was emptied has
	// another one.
	Folder string `json:"folder"`
	// ClusterID is the cluster's, in hexadecimal; "" until the node belongs to one.
	ClusterID string `json:"cluster_id"`
	// ClusterNumber is part of the uids of the cluster's orders.
	ClusterNumber uint8 `json:"cluster_number"`
	// Birth is how the cluster came to its id when it was not made empty; nil when it was.
	Birth *BirthMark `json:"birth,omitempty"`
	// Bootstrap is the membership with which the cluster was made.
	Bootstrap []Member `json:"bootstrap,omitempty"`
	// Started says that raft has written here: what it wrote must be there.
	Started bool `json:"started"`
	// Start is the number of the node's newest start: the wall clock then, in nanoseconds
	// since the Unix epoch, and above that of the start before.
	Start uint64 `json:"start,omitempty"`
	// SupersededBy is the cluster that succeeds this node's, in hexadecimal; "" while none
	// is known to. With it the node takes no requests any more.
	SupersededBy string `json:"superseded_by,omitempty"`
	// AwaitsVote says that the node joined as a learner that wants a vote and has none yet.
	AwaitsVote bool `json:"awaits_vote,omitempty"`
	// Removed says that the cluster has removed this node, for good.
	Removed bool `json:"removed,omitempty"`
	// Moved is where an operator said that members are now, instead of at the address that
	// the membership has. It is replaced as a whole, never changed in place.
	Moved []Move `json:"moved,omitempty"`
	// Checksum is the CRC-32C of the JSON with an empty checksum.
	Checksum string `json:"checksum"`
}

// Move is a member's new address. It counts while the membership has the member at From.
type Move struct {
	ID   string `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Reached returns where a member is reached.
func (i *Identity) Reached(m Member) string {
	for _, move := range i.Moved {
		if move.ID == m.ID && move.From == m.Address {
			return move.To
		}
	}
	return m.Address
}

// BirthMark says that this folder was made by a restore or a recovery, and what the first
// entry of its leader has to say of it (sequencer.Birth).
type BirthMark struct {
	// Cause is 0 while the first recovery of the folder is not finished.
	Cause sequencer.BirthCause `json:"cause"`
	// Time is the wall clock's when the cluster's id was drawn, in nanoseconds since the
	// Unix epoch; 0 while a recovery is not finished.
	Time int64 `json:"time_ns"`
}

func (i Identity) checksum() string {
	i.Checksum = ""
	data, err := json.Marshal(i)
	if err != nil {
		panic(err) // strings and numbers
	}
	return fmt.Sprintf("%08x", crc32.Checksum(data, castagnoli))
}

// Cluster returns the id of the cluster; zero while the node belongs to none.
func (i *Identity) Cluster() peer.ClusterID {
	id, err := peer.ParseClusterID(i.ClusterID)
	if err != nil {
		return peer.ClusterID{}
	}
	return id
}

// ReadIdentity reads a data folder's identity: os.ErrNotExist, ErrIdentityDamaged, or
// ErrVersion when it is whole and another release wrote it.
func ReadIdentity(dir string) (*Identity, error) {
	path := filepath.Join(dir, identityName)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := checkIdentity(path, data); err != nil {
		return nil, err
	}
	is := new(Identity)
	if err := json.Unmarshal(data, is); err != nil || is.NodeID == "" {
		return nil, fmt.Errorf("%w: %s is not an identity: %q", ErrIdentityDamaged, path, data)
	}
	if is.ClusterID != "" && is.Cluster() == (peer.ClusterID{}) {
		return nil, fmt.Errorf("%w: %s has the cluster id %q", ErrIdentityDamaged, path, is.ClusterID)
	}
	return is, nil
}

// checkIdentity checks what identities of all versions have: a version, and as the checksum
// the CRC-32C of the JSON without spaces and with an empty checksum.
func checkIdentity(path string, data []byte) error {
	var said struct {
		Version  *int   `json:"version"`
		Checksum string `json:"checksum"`
	}
	if err := json.Unmarshal(data, &said); err != nil || said.Version == nil {
		return fmt.Errorf("%w: %s is not an identity: %q", ErrIdentityDamaged, path, data)
	}
	var content bytes.Buffer
	if err := json.Compact(&content, data); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrIdentityDamaged, path, err)
	}
	empty := bytes.Replace(content.Bytes(), fmt.Appendf(nil, `"checksum":%q`, said.Checksum), []byte(`"checksum":""`), 1)
	if sum := fmt.Sprintf("%08x", crc32.Checksum(empty, castagnoli)); sum != said.Checksum {
		return fmt.Errorf("%w: %s has the checksum %q, its content has %s", ErrIdentityDamaged, path, said.Checksum, sum)
	}
	if *said.Version != identityVersion {
		return fmt.Errorf("%w: %s has identity version %d, this program knows %d", ErrVersion, path, *said.Version, identityVersion)
	}
	return nil
}

// writeIdentity replaces the file: after a crash it is the old one or the new one.
func writeIdentity(files wal.Files, dir string, is *Identity) error {
	is.Checksum = is.checksum()
	data, err := json.MarshalIndent(is, "", "  ")
	if err != nil {
		return err
	}
	return wal.ReplaceFile(files, filepath.Join(dir, identityName), append(data, '\n'))
}

func newIdentity(nodeID string) Identity {
	fresh := make([]byte, 16)
	rand.Read(fresh) // never fails
	return Identity{Version: identityVersion, NodeID: nodeID, Folder: hex.EncodeToString(fresh)}
}

// NewClusterID draws the id of a cluster that is made.
func NewClusterID() (id peer.ClusterID) {
	rand.Read(id[:]) // never fails
	return id
}
