package ticket

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"onsale/sequencer"
)

// Keys are what tickets are checked with, as GET /v1/keys and the file of a device have them.
type Keys struct {
	Clusters []ClusterKeys `json:"clusters"` // by number; one, unless a front-end has several
}

// ClusterKeys are those of one cluster.
type ClusterKeys struct {
	Cluster uint8 `json:"cluster"` // its number, which is in the codes
	// Births are those of the cluster, oldest first.
	Births []PublicBirth `json:"births"`
	AsOf   string        `json:"as_of"` // of what the cluster had decided then
}

// PublicBirth are the keys of one birth.
type PublicBirth struct {
	Birth    string `json:"birth"` // its id, 32 hexadecimal digits
	Cause    string `json:"cause"`
	FirstSeq uint64 `json:"first_seq"`
	// CutSeq is the last decision of this birth that counts: what it decided behind that was lost
	// when the cluster went on from a backup. 0 for the newest, of which all counts.
	CutSeq uint64 `json:"cut_seq,omitempty"`
	// Keys are Ed25519 public keys, base64, the newest first: all verify.
	Keys []string `json:"keys"`
}

// Public returns the public keys for the births of a cluster with a number.
func (s *Secrets) Public(cluster uint8, births []sequencer.Birth, asOf string) ClusterKeys {
	public := ClusterKeys{Cluster: cluster, Births: []PublicBirth{}, AsOf: asOf}
	for i := range births {
		b := PublicBirth{Birth: births[i].Cluster.String(), Cause: births[i].Cause.String(), FirstSeq: births[i].FirstSeq}
		if i+1 < len(births) {
			b.CutSeq = births[i+1].After
		}
		for _, key := range s.of(births[i].Cluster) {
			b.Keys = append(b.Keys, base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
		}
		public.Births = append(public.Births, b)
	}
	return public
}

// id returns the birth's whole id.
func (b *PublicBirth) id() (id sequencer.ClusterID, err error) {
	data, err := hex.DecodeString(b.Birth)
	if err != nil || len(data) != len(id) {
		return id, fmt.Errorf("%w: %q is no birth's id", ErrFile, b.Birth)
	}
	return sequencer.ClusterID(data), nil
}
