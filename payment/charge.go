package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"onsale/sequencer"
)

// Charge is one attempt to pay one order, as the provider knows it. All of it is kept
// there, and a charge that differs in anything is another one.
type Charge struct {
	Key      string `json:"key"`      // sequencer.PaymentRef: unique for ever
	Order    string `json:"order"`    // the order's uid
	Birth    string `json:"birth"`    // id of the birth in which the order's seq lies, hexadecimal
	Buyer    string `json:"buyer"`    // BuyerDigest
	Amount   int64  `json:"amount"`   // minor units, above 0
	Currency string `json:"currency"` // ISO 4217, capitals
	// Account is under which the charge is made (Provider.Account). It is where the charge is,
	// and nothing of the charge itself.
	Account string `json:"account,omitempty"`
	// Since is a time before which the charge cannot have been made, nanoseconds; 0 when it is
	// not known. It says how far back to look, and is nothing of the charge itself.
	Since int64  `json:"-"`
	turn  uint64 // in the line, when it was given before; nothing of the charge either
}

// The length of a buyer's digest, and the version of what is hashed for it.
const (
	buyerDigestBytes   = 16
	buyerDigestVersion = 1
)

// BuyerDigest stands for a buyer in the provider's books, in which user ids have no place:
// the first 16 bytes of the SHA-256 of
//
//	offset  bytes  buyer of a charge
//	0       1      version, 1
//	1       16     id of the birth
//	17      1      length of the user id
//	18             user id
//
// in lower-case hexadecimal. The birth keeps the digests of one user in two clusters apart.
// It is no secret: whoever knows the birth can try user ids. It is there to compare.
func BuyerDigest(birth sequencer.ClusterID, user string) string {
	buffer := make([]byte, 0, 2+len(birth)+sequencer.UserBytesMax)
	buffer = append(append(buffer, buyerDigestVersion), birth[:]...)
	buffer = append(append(buffer, byte(len(user))), user...)
	sum := sha256.Sum256(buffer)
	return hex.EncodeToString(sum[:buyerDigestBytes])
}

// Conflict returns ErrConflict, and what differs, when the charge that was found under a
// key is not this one.
func (c *Charge) Conflict(found *Charge) error {
	if ours, theirs := c.Itself(), found.Itself(); ours == theirs {
		return nil
	}
	var differs []string
	note := func(what, ours, theirs string) {
		if ours != theirs {
			differs = append(differs, fmt.Sprintf("%s is %q, ours %q", what, theirs, ours))
		}
	}
	note("its key", c.Key, found.Key)
	note("its order", c.Order, found.Order)
	note("its birth", c.Birth, found.Birth)
	note("its buyer", c.Buyer, found.Buyer)
	note("its amount", money(c), money(found))
	return fmt.Errorf("%w: %s: %s", ErrConflict, c.Key, strings.Join(differs, ", "))
}

// Itself returns what of a charge is kept at the provider.
func (c *Charge) Itself() Charge {
	kept := *c
	kept.Since, kept.turn, kept.Account = 0, 0, ""
	return kept
}

// sent returns a charge as the provider is asked for it, and its turn in the line.
func (c Charge) sent() (Charge, uint64) {
	turn := c.turn
	c.turn = 0
	return c, turn
}

// isAnothers reports whether the charge that was found under a key is of another buyer or
// order than this one.
func (c *Charge) isAnothers(found *Charge) bool {
	return c.Order != found.Order || c.Birth != found.Birth || c.Buyer != found.Buyer
}

func money(c *Charge) string { return fmt.Sprint(c.Amount, " ", c.Currency) }

// attempt returns the charge of another attempt to pay the same order.
func (c Charge) attempt(birth sequencer.ClusterID, number uint8) Charge {
	c.Key = sequencer.PaymentRef(birth, c.Order, number)
	return c
}
