package ticket

import (
	"crypto/ed25519"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"

	"onsale/sequencer"
)

// ErrNotGenuine is returned for a text that is no code which one of the known keys signed.
var ErrNotGenuine = errors.New("this ticket is not genuine")

// Ticket says what a code stands for.
type Ticket struct {
	Birth   sequencer.ClusterID // under which it was paid
	Cluster uint8               // the cluster's number, as in uids
	Sale    uint16              // the sale's number
	Order   uint64              // seq of the order
	Paid    uint64              // seq of the decision that the order was paid by
	Number  uint32              // of the ticket, in its sale
}

// Numbers are big-endian, as in uids: a code is read by people's programs, not by a machine's
// memory.
//
//	offset  bytes  code
//	0       1      version (1)
//	1       4      beginning of the birth's id
//	5       1      cluster's number
//	6       2      sale's number
//	8       8      seq of the order
//	16      8      seq of the decision that it was paid by
//	24      4      number of the ticket
//	28      64     Ed25519 signature over signedPrefix, the birth's whole id, and bytes 0 to 27
//
// As text it is base32 in Crockford's letters, as uids are: 148 characters of the set that QR
// codes pack into 5.5 bits each. That is a picture of 41 x 41 modules (version 6) which can be read
// with 15 % of it damaged (level M); base64 would need one of 49 x 49.
const (
	version        = 1
	headBytes      = 28
	codeBytes      = headBytes + ed25519.SignatureSize
	birthTagBytes  = 4
	signedPrefix   = "onsale ticket\x00"
	CodeCharacters = (codeBytes*8 + 4) / 5
)

var encoding = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// sign returns the code of a ticket. The key must be its birth's.
func sign(key ed25519.PrivateKey, t *Ticket) string {
	head := t.appendHead(make([]byte, 0, codeBytes))
	return encoding.EncodeToString(append(head, ed25519.Sign(key, t.signed(head))...))
}

func (t *Ticket) appendHead(dst []byte) []byte {
	be := binary.BigEndian
	dst = append(append(dst, version), t.Birth[:birthTagBytes]...)
	dst = be.AppendUint16(append(dst, t.Cluster), t.Sale)
	dst = be.AppendUint64(be.AppendUint64(dst, t.Order), t.Paid)
	return be.AppendUint32(dst, t.Number)
}

// signed returns what the signature of a code is over.
func (t *Ticket) signed(head []byte) []byte {
	return append(append([]byte(signedPrefix), t.Birth[:]...), head...)
}

// read takes a code apart; it says nothing of who signed it. There is one text for a code: letters
// in lower case, spaces and other ends are none.
func read(text string) (tag [birthTagBytes]byte, t Ticket, code []byte, err error) {
	if len(text) != CodeCharacters {
		return tag, t, nil, fmt.Errorf("%w: %d characters, a code has %d", ErrNotGenuine, len(text), CodeCharacters)
	}
	code, err = encoding.DecodeString(text)
	if err != nil || len(code) != codeBytes || encoding.EncodeToString(code) != text {
		return tag, t, nil, fmt.Errorf("%w: it has characters that no code has", ErrNotGenuine)
	}
	if code[0] != version {
		return tag, t, nil, fmt.Errorf("%w: version %d, this program knows %d", ErrNotGenuine, code[0], version)
	}
	be := binary.BigEndian
	t = Ticket{Cluster: code[5], Sale: be.Uint16(code[6:]), Order: be.Uint64(code[8:]), Paid: be.Uint64(code[16:]), Number: be.Uint32(code[24:])}
	return [birthTagBytes]byte(code[1:5]), t, code, nil
}
