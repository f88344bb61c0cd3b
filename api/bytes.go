package api

import "unsafe"

// isLetterOrDigit reports whether c is an ASCII letter or digit.
func isLetterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// isPlain reports whether c never needs percent-encoding in a URI (RFC 3986,
// unreserved).
func isPlain(c byte) bool {
	return isLetterOrDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// isFieldName reports whether name is a token (RFC 9110).
func isFieldName(name []byte) bool {
	for _, c := range name {
		if !fieldNameBytes[c] {
			return false
		}
	}
	return len(name) > 0
}

// fieldNameBytes are the bytes of a token.
var fieldNameBytes = func() (table [256]bool) {
	for c := range 128 {
		table[c] = isLetterOrDigit(byte(c))
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		table[c] = true
	}
	return table
}()

// equalFold reports whether b is lower, which is ASCII in lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// trimSpace removes the optional white space around a header's value.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// asString returns b as a string without a copy. It is only for arguments of
// calls that do not keep them, while b does not change.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
