package wal

import (
	"encoding/hex"
	"testing"
)

// The bytes on disk must not change without a new version: logs written by an
// older program are read by this one.
func TestGoldenFormats(t *testing.T) {
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"frame", "020600000008070605040302018020ec507265636f7264", appendFrame(nil, 0x030405060708, 0x0102, []byte("record"))},
		{"manifest", "4f4e534c57414c010300000000000000050000000000000009000000000000008fe9eafc", manifest{oldest: 3, newest: 5, resetting: 9}.encode()},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s is written as\n%s, it was\n%s", c.name, got, c.want)
		}
	}
	old, err := hex.DecodeString("01060000000807060504030000de5536647265636f7264")
	if err != nil {
		t.Fatal(err)
	}
	if index, record, ok := parseFrame(old); !ok || index != 0x030405060708 || string(record) != "record" {
		t.Errorf("a frame of version 1 is read as %x, %q, %t", index, record, ok)
	}
}
