package sequencer

import "errors"

// ErrBadUID is returned when a text is not an order uid.
var ErrBadUID = errors.New("not an order uid")

// UIDBytes is the length of an order uid.
const UIDBytes = 16

// crockford is the alphabet of https://www.crockford.com/base32.html: no I, L,
// O or U, so that a uid can be read out over a telephone.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// AppendUID appends the uid of the order with this seq: 16 characters that
// hold 80 bits, most significant first.
//
//	bits 79..64  number of the sale
//	bits 63..0   seq of the order
func AppendUID(dst []byte, sale uint16, seq uint64) []byte {
	high := uint64(sale)<<24 | seq>>40 // the upper 40 bits
	low := seq & (1<<40 - 1)           // the lower 40 bits
	for shift := 35; shift >= 0; shift -= 5 {
		dst = append(dst, crockford[high>>shift&31])
	}
	for shift := 35; shift >= 0; shift -= 5 {
		dst = append(dst, crockford[low>>shift&31])
	}
	return dst
}

// ClusterShift is where the number of an order's cluster begins in the seq of a uid, when
// one front-end serves several clusters: a cluster's own seqs stay below it.
const ClusterShift = 56

// FormatUID returns the uid as a string.
func FormatUID(sale uint16, seq uint64) string {
	return string(AppendUID(make([]byte, 0, UIDBytes), sale, seq))
}

// ParseUID reads a uid. Only the canonical spelling is taken: one order has one
// uid. It returns ErrBadUID for everything else.
func ParseUID(uid []byte) (sale uint16, seq uint64, err error) {
	if len(uid) != UIDBytes {
		return 0, 0, ErrBadUID
	}
	var high, low uint64
	for i := 0; i < UIDBytes/2; i++ {
		h, l := crockfordValue(uid[i]), crockfordValue(uid[i+UIDBytes/2])
		if h < 0 || l < 0 {
			return 0, 0, ErrBadUID
		}
		high, low = high<<5|uint64(h), low<<5|uint64(l)
	}
	return uint16(high >> 24), high<<40 | low, nil
}

func crockfordValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c < 'A' || c > 'Z' || c == 'I' || c == 'L' || c == 'O' || c == 'U':
		return -1
	}
	value := int(c-'A') + 10
	for _, skipped := range [...]byte{'I', 'L', 'O', 'U'} {
		if c > skipped {
			value--
		}
	}
	return value
}
