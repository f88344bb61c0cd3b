package peer

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// ClusterID names a cluster from one birth to the next; it is drawn at random. The zero
// value is no cluster.
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

// BirthsMax bounds a lineage. It is the bound of a cluster's births.
const BirthsMax = 1 << 10

// Lineage is the ids of a cluster's births, oldest first: the last one is the cluster's
// id, the others are those of the clusters that it succeeds. It is empty while a process
// belongs to no cluster.
type Lineage []ClusterID

// Newest returns the cluster's id, zero when there is none.
func (l Lineage) Newest() ClusterID {
	if len(l) == 0 {
		return ClusterID{}
	}
	return l[len(l)-1]
}

// Relation is what another lineage is to one's own.
type Relation uint8

// The relations of two lineages. Ids are drawn at random, so that one in both lists is the
// same birth.
const (
	// Unknown: one of the two belongs to no cluster yet.
	Unknown Relation = iota
	// Same: they end with the same birth.
	Same
	// Newer: the other succeeds this one, whose last birth is in the other's list before
	// the last.
	Newer
	// Older: this one succeeds the other.
	Older
	// Parted: they have a birth in common, and each went on by itself from there.
	Parted
	// Unrelated: they have nothing in common.
	Unrelated
)

// RelationOf returns what another lineage is to this one.
func (l Lineage) RelationOf(other Lineage) Relation {
	if len(l) == 0 || len(other) == 0 {
		return Unknown
	}
	if l.Newest() == other.Newest() {
		return Same
	}
	newer, older := slices.Contains(other, l.Newest()), slices.Contains(l, other.Newest())
	switch {
	case newer && !older:
		return Newer
	case older && !newer:
		return Older
	case newer || l.shares(other):
		return Parted
	}
	return Unrelated
}

// shares reports whether a birth is in both lists.
func (l Lineage) shares(other Lineage) bool {
	own := make(map[ClusterID]bool, len(l))
	for _, id := range l {
		own[id] = true
	}
	return slices.ContainsFunc(other, func(id ClusterID) bool { return own[id] })
}
