package ticket

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"

	"onsale/sequencer"
)

// Errors of a genuine ticket that lets nobody in, and of what it is checked with.
var (
	// ErrRevoked is returned for a ticket that was refunded.
	ErrRevoked = errors.New("this ticket was revoked")
	// ErrCut is returned for a ticket that was paid in a part of the history that was lost: the
	// order has another ticket, or none.
	ErrCut = errors.New("this ticket was lost with the cluster that sold it")
	// ErrOtherSale is returned for a ticket of another sale than that of the list of revoked ones.
	ErrOtherSale = errors.New("this ticket is for another sale")
	// ErrFile is returned for keys or a list of revoked tickets that nothing can be checked with.
	ErrFile = errors.New("not a file of keys or revoked tickets")
)

// Revoked are the tickets of a sale that are not valid any more, as a device has them.
type Revoked struct {
	Cluster    uint8    `json:"cluster"`
	Sale       string   `json:"sale"`
	SaleNumber uint16   `json:"sale_number"`
	Numbers    []uint32 `json:"tickets"`
	// After is behind which place the next page begins, and of a whole list which it reaches.
	After uint64 `json:"after"`
	More  bool   `json:"has_more"` // of a page: others follow
	AsOf  string `json:"as_of"`
}

// Verifier checks codes, without a network.
type Verifier struct {
	births  []knownBirth
	cluster uint8
	sale    uint16
	revoked map[uint32]bool
}

type knownBirth struct {
	cluster uint8
	id      sequencer.ClusterID
	cut     uint64
	keys    []ed25519.PublicKey
}

// NewVerifier returns one for a sale, whose revoked tickets are all given. ErrFile.
func NewVerifier(keys *Keys, revoked *Revoked) (*Verifier, error) {
	v := &Verifier{cluster: revoked.Cluster, sale: revoked.SaleNumber, revoked: map[uint32]bool{}}
	for i := range keys.Clusters {
		if err := v.know(&keys.Clusters[i]); err != nil {
			return nil, err
		}
	}
	if len(v.births) == 0 || revoked.SaleNumber == 0 || revoked.More {
		return nil, fmt.Errorf("%w: %d births, sale %d, more pages to come: %t", ErrFile, len(v.births), revoked.SaleNumber, revoked.More)
	}
	for _, number := range revoked.Numbers {
		v.revoked[number] = true
	}
	return v, nil
}

// know takes a cluster's keys.
func (v *Verifier) know(cluster *ClusterKeys) error {
	for i := range cluster.Births {
		b := &cluster.Births[i]
		id, err := b.id()
		if err != nil {
			return err
		}
		if last := i == len(cluster.Births)-1; last != (b.CutSeq == 0) {
			return fmt.Errorf("%w: all births but the last one have a cut_seq", ErrFile)
		}
		known := knownBirth{cluster: cluster.Cluster, id: id, cut: b.CutSeq}
		for _, text := range b.Keys {
			key, err := base64.StdEncoding.DecodeString(text)
			if err != nil || len(key) != ed25519.PublicKeySize {
				return fmt.Errorf("%w: %q is no key", ErrFile, text)
			}
			known.keys = append(known.keys, ed25519.PublicKey(key))
		}
		v.births = append(v.births, known)
	}
	return nil
}

// Verify returns what a code stands for, and nil when it is valid. ErrNotGenuine, and of a genuine
// one ErrOtherSale, ErrCut, ErrRevoked.
func (v *Verifier) Verify(text string) (Ticket, error) {
	t, cut, err := v.genuine(text)
	switch {
	case err != nil:
		return Ticket{}, err
	case t.Sale != v.sale || t.Cluster != v.cluster:
		return t, fmt.Errorf("%w: of sale number %d of cluster %d, the list of revoked tickets is of %d of %d", ErrOtherSale, t.Sale, t.Cluster, v.sale, v.cluster)
	case cut != 0 && t.Paid > cut:
		return t, fmt.Errorf("%w: it was paid by decision %d, the history was cut behind %d", ErrCut, t.Paid, cut)
	case v.revoked[t.Number]:
		return t, fmt.Errorf("%w: number %d", ErrRevoked, t.Number)
	}
	return t, nil
}

// genuine returns what was signed, and the cut of its birth.
func (v *Verifier) genuine(text string) (t Ticket, cut uint64, err error) {
	tag, t, code, err := read(text)
	if err != nil {
		return t, 0, err
	}
	for i := range v.births {
		b := &v.births[i]
		if [birthTagBytes]byte(b.id[:]) != tag || b.cluster != t.Cluster {
			continue
		}
		t.Birth = b.id
		signed := t.signed(code[:headBytes])
		for _, key := range b.keys {
			if ed25519.Verify(key, signed, code[headBytes:]) {
				return t, b.cut, nil
			}
		}
	}
	return Ticket{}, 0, fmt.Errorf("%w: none of the keys signed it", ErrNotGenuine)
}
