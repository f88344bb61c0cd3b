package challenge

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
)

// An answer is VERSION.BITS.EXPIRES.MAC:NONCE, in ASCII: the difficulty, the end
// in Unix seconds, the HMAC in base64url, and the nonce. Every number has one
// spelling, and nearly every answer fits into one block of SHA-256.
const (
	version        = "1"
	macBytes       = 16
	macText        = (macBytes*8 + 5) / 6 // of base64url without padding
	bitsDigitsMax  = 2
	timeDigitsMax  = 12
	nonceDigitsMax = 20
)

// AnswerBytesMax is the length of the longest answer.
const AnswerBytesMax = len(version) + 1 + bitsDigitsMax + 1 + timeDigitsMax + 1 + macText + 1 + nonceDigitsMax

// answer is an answer taken apart; the slices refer to its text.
type answer struct {
	claims  []byte // VERSION.BITS.EXPIRES: what the MAC speaks for
	bits    int
	expires int64 // Unix seconds
	mac     [macBytes]byte
}

// parse takes an answer apart. It looks at its form only.
func parse(text []byte) (a answer, ok bool) {
	if len(text) > AnswerBytesMax {
		return a, false
	}
	challenge, nonce, found := bytes.Cut(text, []byte{':'})
	if _, isNumber := number(nonce, nonceDigitsMax); !found || !isNumber {
		return a, false
	}
	claims, mac, found := cutLast(challenge)
	if !found || len(mac) != macText {
		return a, false
	}
	if n, err := base64.RawURLEncoding.Strict().Decode(a.mac[:], mac); err != nil || n != macBytes {
		return a, false
	}
	a.claims = claims
	return a, a.parseClaims()
}

func (a *answer) parseClaims() bool {
	rest, found := bytes.CutPrefix(a.claims, []byte(version+"."))
	difficulty, expires, both := bytes.Cut(rest, []byte{'.'})
	if !found || !both {
		return false
	}
	n, isNumber := number(difficulty, bitsDigitsMax)
	end, isTime := number(expires, timeDigitsMax)
	a.bits, a.expires = int(n), int64(end)
	return isNumber && isTime && n >= DifficultyBitsMin && n <= DifficultyBitsMax
}

func cutLast(text []byte) (before, after []byte, found bool) {
	dot := bytes.LastIndexByte(text, '.')
	if dot < 0 {
		return nil, nil, false
	}
	return text[:dot], text[dot+1:], true
}

// number reads decimal digits without leading zeros, at most so many and at most
// what fits into 64 bits.
func number(digits []byte, most int) (n uint64, ok bool) {
	if len(digits) == 0 || len(digits) > most || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	for _, c := range digits {
		high, low := bits.Mul64(n, 10)
		sum, carry := bits.Add64(low, uint64(c-'0'), 0)
		if c < '0' || c > '9' || high != 0 || carry != 0 {
			return 0, false
		}
		n = sum
	}
	return n, true
}

// zeroBits returns how many zero bits the hash of a text begins with, up to 64.
func zeroBits(text []byte) int {
	sum := sha256.Sum256(text)
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:]))
}
