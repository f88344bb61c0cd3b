package sequencer

import (
	"encoding/hex"
	"errors"
)

// ErrBadPaymentRef is returned when a text names no payment attempt.
var ErrBadPaymentRef = errors.New("not a payment's reference")

// PaymentRefBytes is the length of a payment's reference.
const PaymentRefBytes = 2*len(ClusterID{}) + 1 + UIDBytes + 1 + 2

// PaymentRef names a payment attempt of an order, here and as the key at the payment
// provider, once and for ever:
//
//	bytes 0..31   id of the birth in which the order's seq lies, lower-case hexadecimal
//	byte  32      a hyphen
//	bytes 33..48  the order's uid, with the number of its cluster
//	byte  49      a hyphen
//	bytes 50..51  the attempt's number, two decimal digits from 01
//
// The birth is the order's own, never the newest: after a restore an order of before keeps
// its references, so that what was paid for it after the backup is found again, while one
// that was made in its place has another. An attempt's number is never used twice: a
// reference whose charge was cancelled stays cancelled.
func PaymentRef(birth ClusterID, uid string, attempt uint8) string {
	ref := make([]byte, 0, PaymentRefBytes)
	ref = append(hex.AppendEncode(ref, birth[:]), '-')
	ref = append(append(ref, uid...), '-')
	return string(append(ref, '0'+attempt/10, '0'+attempt%10))
}

// Payment is what a payment's reference says.
type Payment struct {
	Birth   ClusterID
	Sale    uint16
	Seq     uint64 // as the uid has it, with the number of the order's cluster
	Attempt uint8  // 1 to AttemptsMax
}

// ParsePaymentRef reads what PaymentRef made; ErrBadPaymentRef for everything else.
func ParsePaymentRef(ref []byte) (p Payment, err error) {
	const uid = 2*len(ClusterID{}) + 1
	if len(ref) != PaymentRefBytes || ref[uid-1] != '-' || ref[uid+UIDBytes] != '-' {
		return Payment{}, ErrBadPaymentRef
	}
	for _, digit := range ref[:uid-1] {
		if digit >= 'A' && digit <= 'F' {
			return Payment{}, ErrBadPaymentRef // one payment has one reference
		}
	}
	if _, err := hex.Decode(p.Birth[:], ref[:uid-1]); err != nil {
		return Payment{}, ErrBadPaymentRef
	}
	if p.Sale, p.Seq, err = ParseUID(ref[uid : uid+UIDBytes]); err != nil {
		return Payment{}, ErrBadPaymentRef
	}
	tens, ones := ref[PaymentRefBytes-2]-'0', ref[PaymentRefBytes-1]-'0'
	if p.Attempt = 10*tens + ones; tens > 9 || ones > 9 || p.Attempt < 1 || p.Attempt > AttemptsMax {
		return Payment{}, ErrBadPaymentRef
	}
	return p, nil
}
