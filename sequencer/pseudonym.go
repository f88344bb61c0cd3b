package sequencer

import "fmt"

// PseudonymKeyID names the key under which the buyers of a sale are known; 0 is none: they are
// there as their tokens name them.
type PseudonymKeyID uint32

// String spells an id as pseudonyms do; "" for none.
func (id PseudonymKeyID) String() string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf("%08x", uint32(id))
}

// A pseudonym stands for a user in all that is written (package pseudonym makes it). It is no
// longer than a name may be, so that it goes wherever a name does:
//
//	offset  bytes  pseudonym
//	0       3      "p1."
//	3       8      id of the key, lower-case hexadecimal
//	11      1      "."
//	12      27     hash of the user under the key: 20 bytes in base64url without padding
//
// A sale takes the users of its own key alone, which their names tell. So nobody is two users in
// one sale, whichever keys the processes have that the requests come through.
const (
	PseudonymPrefix = "p1."
	PseudonymBytes  = pseudonymDot + 1 + 27

	pseudonymDot = len(PseudonymPrefix) + 8
)

// PseudonymKeyOf returns the key of a pseudonym; 0 for what is none, as a user's name is.
func PseudonymKeyOf(user []byte) (id PseudonymKeyID) {
	if len(user) != PseudonymBytes || string(user[:len(PseudonymPrefix)]) != PseudonymPrefix || user[pseudonymDot] != '.' {
		return 0
	}
	for _, c := range user[len(PseudonymPrefix):pseudonymDot] {
		switch {
		case c >= '0' && c <= '9':
			id = id<<4 | PseudonymKeyID(c-'0')
		case c >= 'a' && c <= 'f':
			id = id<<4 | PseudonymKeyID(c-'a'+10)
		default:
			return 0
		}
	}
	for _, c := range user[pseudonymDot+1:] {
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return 0
		}
	}
	return id
}
