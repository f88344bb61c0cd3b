package sequencer

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// A payment has one reference: what PaymentRef made is read, and nothing that looks like it.
func TestPaymentRefsAreReadAsTheyWereMade(t *testing.T) {
	var birth ClusterID
	for i := range birth { // with every digit there is
		birth[i] = byte(i<<4 | (15 - i))
	}
	uid := FormatUID(7, 12345|3<<ClusterShift)
	for attempt := uint8(1); attempt <= AttemptsMax; attempt++ {
		ref := PaymentRef(birth, uid, attempt)
		p, err := ParsePaymentRef([]byte(ref))
		if want := (Payment{birth, 7, 12345 | 3<<ClusterShift, attempt}); err != nil || p != want || len(ref) != PaymentRefBytes {
			t.Errorf("%s is read as %+v, want %+v, %v", ref, p, want, err)
		}
	}

	ref := PaymentRef(birth, uid, 1)
	bad := map[string]string{"nothing": "", "a byte less": ref[:len(ref)-1], "a byte more": ref + "0"}
	for _, last := range []string{"00", "33", "0:", "0/", "40", "3:", ":1", "/1", "99", "-1", "J0", "I7", "J4", "b7"} {
		bad["attempt "+last] = ref[:len(ref)-2] + last
	}
	replace := func(at int, with string) string { return ref[:at] + with + ref[at+1:] }
	for at := range 32 {
		if upper := strings.ToUpper(ref[at : at+1]); upper != ref[at:at+1] {
			bad["a capital at "+upper] = replace(at, upper)
		}
		bad["no digit of the birth "+ref[at:at+1]] = replace(at, "g")
	}
	bad["a capital A"], bad["a capital F"] = replace(3, "A"), replace(3, "F")
	bad["no hyphen"], bad["no second hyphen"], bad["no uid"] = replace(32, "0"), replace(32+1+UIDBytes, "0"), replace(33, "u")
	for name, text := range bad {
		if p, err := ParsePaymentRef([]byte(text)); !errors.Is(err, ErrBadPaymentRef) || p != (Payment{}) {
			t.Errorf("%s: %q is read as %+v, %v", name, text, p, err)
		}
	}
	if !bytes.HasPrefix([]byte(ref), []byte("0f1e2d3c4b5a69788796a5b4c3d2e1f0-")) {
		t.Error(ref)
	}
}
