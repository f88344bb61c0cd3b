package folder

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"onsale/raftfsm/peer"
	"onsale/wal"
)

// ErrIdentity is returned when a data folder belongs to another node or another
// cluster, or has lost what it held: starting on it could make one voter vote
// twice. The message says what to do.
var ErrIdentity = errors.New("data folder is not this node's")

// ErrIdentityDamaged is returned when NODE.json is not what was written.
var ErrIdentityDamaged = errors.New("identity is damaged")

const identityVersion = 3

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
	// Bootstrap is the membership with which the cluster was made.
	Bootstrap []Member `json:"bootstrap,omitempty"`
	// Started says that raft has written here: what it wrote must be there.
	Started bool `json:"started"`
	// Checksum is the CRC-32C of the JSON with an empty checksum.
	Checksum string `json:"checksum"`
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

// ReadIdentity reads a data folder's identity: os.ErrNotExist or ErrIdentityDamaged.
func ReadIdentity(dir string) (*Identity, error) {
	path := filepath.Join(dir, identityName)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	is := new(Identity)
	if err := json.Unmarshal(data, is); err != nil || is.NodeID == "" {
		return nil, fmt.Errorf("%w: %s is not an identity: %q", ErrIdentityDamaged, path, data)
	}
	if is.Version != identityVersion {
		return nil, fmt.Errorf("%w: %s has version %d, this program knows %d", ErrIdentityDamaged, path, is.Version, identityVersion)
	}
	if sum := is.checksum(); sum != is.Checksum {
		return nil, fmt.Errorf("%w: %s has the checksum %q, its content has %s", ErrIdentityDamaged, path, is.Checksum, sum)
	}
	if is.ClusterID != "" && is.Cluster() == (peer.ClusterID{}) {
		return nil, fmt.Errorf("%w: %s has the cluster id %q", ErrIdentityDamaged, path, is.ClusterID)
	}
	return is, nil
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
