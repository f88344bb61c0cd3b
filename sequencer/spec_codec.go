package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrBadSpec is returned when a sale spec breaks a bound; the message says
// which field, what it is, and what is allowed.
var ErrBadSpec = errors.New("bad sale")

// SpecVersion is the version byte of an encoded sale spec.
const SpecVersion = 4

// specFixedBytes is the length of a spec before its id and item.
//
//	offset  bytes  sale spec, little-endian
//	0       1      version (4)
//	1       1      flags: bit 0 skip unfit, bit 1 test
//	2       1      cap
//	3       1      length of the id
//	4       2      length of the item
//	6       3      currency, ASCII
//	9       4      quantity
//	13      4      waitlist
//	17      8      price, minor units
//	25      8      starts at, nanoseconds since the Unix epoch
//	33      8      hold, nanoseconds
//	41      8      grace, nanoseconds
//	49      8      cool-down, nanoseconds
//	57      1      expired holds, at most
//	58      8      hold of who was promoted, nanoseconds
//	66      1      length of the zone
//	67      4      buys a second that each process lets through; 0 for all
//	71      4      id of the key of the buyers' pseudonyms; 0 for none
//	75             id, item, then zone, to the end
const specFixedBytes = 75

// AppendSaleSpec appends an encoded spec. The spec must be valid (Validate);
// it panics when the id, the item, the zone or the currency do not fit their fields.
func AppendSaleSpec(dst []byte, s *SaleSpec) []byte {
	if len(s.ID) > SaleIDBytesMax || len(s.Item) > ItemBytesMax || len(s.Zone) > ZoneBytesMax || len(s.Currency) != 3 {
		panic(fmt.Sprintf("sequencer: sale spec was not validated: %+v", *s))
	}
	le := binary.LittleEndian
	dst = append(dst, SpecVersion, byte(flagBits(s.SkipUnfit, s.Test)), s.Cap, byte(len(s.ID)))
	dst = le.AppendUint16(dst, uint16(len(s.Item)))
	dst = append(dst, s.Currency...)
	dst = le.AppendUint32(dst, s.Quantity)
	dst = le.AppendUint32(dst, s.Waitlist)
	for _, v := range [...]int64{s.Price, s.StartsAt, s.Hold, s.Grace, s.CoolDown} {
		dst = le.AppendUint64(dst, uint64(v))
	}
	dst = append(dst, s.ExpiredHoldsMax)
	dst = le.AppendUint64(dst, uint64(s.PromotedHold))
	dst = append(dst, byte(len(s.Zone)))
	dst = le.AppendUint32(dst, s.BuysPerSecond)
	dst = le.AppendUint32(dst, uint32(s.PseudonymKey))
	dst = append(append(dst, s.ID...), s.Item...)
	return append(dst, s.Zone...)
}

// DecodeSaleSpec reads an encoded spec and validates it. It returns ErrVersion
// or ErrBadSpec.
func DecodeSaleSpec(data []byte) (SaleSpec, error) {
	if len(data) > 0 && data[0] != SpecVersion {
		return SaleSpec{}, fmt.Errorf("%w: sale spec version %d, this program knows %d", ErrVersion, data[0], SpecVersion)
	}
	if len(data) < specFixedBytes {
		return SaleSpec{}, fmt.Errorf("%w: %d bytes, at least %d are needed", ErrBadSpec, len(data), specFixedBytes)
	}
	le := binary.LittleEndian
	idBytes, itemBytes, zoneBytes := int(data[3]), int(le.Uint16(data[4:])), int(data[66])
	if data[1] > 3 || len(data) != specFixedBytes+idBytes+itemBytes+zoneBytes {
		return SaleSpec{}, fmt.Errorf("%w: malformed encoding", ErrBadSpec)
	}
	s := SaleSpec{
		ID:        string(data[specFixedBytes : specFixedBytes+idBytes]),
		Item:      string(data[specFixedBytes+idBytes : specFixedBytes+idBytes+itemBytes]),
		Zone:      string(data[specFixedBytes+idBytes+itemBytes:]),
		Quantity:  le.Uint32(data[9:]),
		Cap:       data[2],
		Waitlist:  le.Uint32(data[13:]),
		Price:     int64(le.Uint64(data[17:])),
		Currency:  string(data[6:9]),
		StartsAt:  int64(le.Uint64(data[25:])),
		Hold:      int64(le.Uint64(data[33:])),
		Grace:     int64(le.Uint64(data[41:])),
		SkipUnfit: data[1]&1 != 0,
		Test:      data[1]&2 != 0,
		CoolDown:  int64(le.Uint64(data[49:])), ExpiredHoldsMax: data[57],
		PromotedHold: int64(le.Uint64(data[58:])), BuysPerSecond: le.Uint32(data[67:]),
		PseudonymKey: PseudonymKeyID(le.Uint32(data[71:])),
	}
	return s, s.Validate()
}

// Validate returns ErrBadSpec when a field breaks its bound.
func (s *SaleSpec) Validate() error {
	if err := validSaleID(s.ID); err != nil {
		return err
	}
	switch {
	case s.Item == "" || len(s.Item) > ItemBytesMax || !utf8.ValidString(s.Item):
		return badSpec("item", fmt.Sprintf("%q", s.Item), fmt.Sprintf("1 to %d bytes of UTF-8", ItemBytesMax))
	case s.Quantity < 1 || s.Quantity > TicketsMax:
		return badSpec("quantity", s.Quantity, fmt.Sprintf("1 to %d tickets", TicketsMax))
	case s.Cap < 1 || s.Cap > CapMax:
		return badSpec("cap", s.Cap, fmt.Sprintf("1 to %d tickets a user", CapMax))
	case s.Waitlist > WaitlistMax:
		return badSpec("waitlist", s.Waitlist, fmt.Sprintf("0 to %d orders", WaitlistMax))
	case s.Price < 0 || s.Price > PriceMax:
		return badSpec("price", s.Price, fmt.Sprintf("0 to %d minor units", int64(PriceMax)))
	case !validZone(s.Zone):
		return badSpec("zone", fmt.Sprintf("%q", s.Zone), fmt.Sprintf("a name of an IANA time zone of up to %d bytes, or none", ZoneBytesMax))
	case !validCurrency(s.Currency):
		return badSpec("currency", fmt.Sprintf("%q", s.Currency), "three capital letters (ISO 4217)")
	case s.StartsAt < 0 || s.StartsAt > TimeMax:
		return badSpec("starts_at", spellTime(s.StartsAt), "a time between 1970 and 2116")
	case s.Hold < 1 || s.Hold > DurationMax:
		return badSpec("hold", spellDuration(s.Hold), "more than 0s, up to "+spellDuration(DurationMax))
	case s.PromotedHold < 0 || s.PromotedHold > DurationMax:
		return badSpec("promoted_hold", spellDuration(s.PromotedHold), "0s to "+spellDuration(DurationMax))
	case s.Grace < 0 || s.Grace > DurationMax:
		return badSpec("grace", spellDuration(s.Grace), "0s to "+spellDuration(DurationMax))
	case s.ExpiredHoldsMax > OrdersPerUserMax:
		return badSpec("expired_holds_max", s.ExpiredHoldsMax, fmt.Sprintf("0 to %d", OrdersPerUserMax))
	case s.CoolDown != 0 && s.ExpiredHoldsMax == 0:
		return badSpec("cool_down", spellDuration(s.CoolDown), "0s without expired_holds_max")
	case s.ExpiredHoldsMax != 0 && (s.CoolDown < 1 || s.CoolDown > DurationMax):
		return badSpec("cool_down", spellDuration(s.CoolDown), "more than 0s, up to "+spellDuration(DurationMax))
	}
	return nil
}

func badSpec(field string, value any, allowed string) error {
	return fmt.Errorf("%w: %s is %v, allowed is %s", ErrBadSpec, field, value, allowed)
}

func validSaleID(id string) error {
	bad := id == "" || len(id) > SaleIDBytesMax
	for i := 0; i < len(id) && !bad; i++ {
		c := id[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		bad = !alphanumeric && (i == 0 || c != '-' && c != '_' && c != '.')
	}
	if bad {
		return badSpec("id", fmt.Sprintf("%q", id), fmt.Sprintf("1 to %d of a-z 0-9 - _ . beginning with a letter or digit", SaleIDBytesMax))
	}
	return nil
}

// validZone reports whether a name can be that of a time zone. Which zones there are, the
// rules do not know: that differs from one machine to the next.
func validZone(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '/' && c != '_' && c != '-' && c != '+') {
			return false
		}
	}
	return len(name) <= ZoneBytesMax
}

func validCurrency(c string) bool {
	if len(c) != 3 {
		return false
	}
	for i := range 3 {
		if c[i] < 'A' || c[i] > 'Z' {
			return false
		}
	}
	return true
}
