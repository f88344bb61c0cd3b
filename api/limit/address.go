package limit

import "net/netip"

// addressKeyBytes is the length of an address key: the version and up to 64 bits.
const addressKeyBytes = 9

// AddressKey returns the key of the network that an address belongs to: the /24
// of an IPv4 address, the /64 of an IPv6 address. A /64 is the least that one
// subscriber gets, so a key for each of its addresses would be 2^64 buckets for
// one person; neighbours in an IPv4 /24 mostly are one provider's, and who rents
// addresses gets them in such blocks. An IPv4 address in IPv6's clothes counts as
// the IPv4 address. The zero Addr has a key of its own.
func AddressKey(address netip.Addr) (key [addressKeyBytes]byte) {
	address = address.Unmap()
	switch {
	case address.Is4():
		four := address.As4()
		key[0] = 4
		copy(key[1:], four[:3])
	case address.Is6():
		sixteen := address.As16()
		key[0] = 6
		copy(key[1:], sixteen[:8])
	}
	return key
}
