package strict

import "unsafe"

// plainBytes never need percent-encoding in a URI (RFC 3986, unreserved).
var plainBytes = byteTable("-._~")

// fieldNameBytes are the bytes of a header's name (RFC 9110, token).
var fieldNameBytes = byteTable("!#$%&'*+-.^_`|~")

// hostBytes are the bytes of a host, which may be a bracketed IPv6 address, and its port.
var hostBytes = byteTable("-._~:[]")

// byteTable has the ASCII letters, the digits and these others.
func byteTable(others string) (table [256]bool) {
	const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for _, c := range []byte(alphanumeric + others) {
		table[c] = true
	}
	return table
}

// IsPlain reports whether c never needs percent-encoding in a URI.
func IsPlain(c byte) bool { return plainBytes[c] }

// EqualFold reports whether b is lower, which is ASCII in lower case.
func EqualFold(b []byte, lower string) bool {
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

// TrimSpace removes the optional white space around a header's value.
func TrimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// AsString returns b as a string without a copy. It is only for arguments of
// calls that do not keep them, while b does not change.
func AsString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
