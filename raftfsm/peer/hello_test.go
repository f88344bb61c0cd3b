package peer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"onsale/proof/golden"
)

// The bytes are for good: a release that changed them without a new version would not
// understand its peers.
func TestHelloIsForGood(t *testing.T) {
	h := hello{word: byte(Forward), role: Node, number: 3, speaks: 2, level: 1, start: 0x0102030405060708, time: 0x1112131415161718, id: "n1", build: "v1 ab",
		keys:   PseudonymKeys{0x0badcafe, 2},
		births: Lineage{{0xaa}, {0xbb, 1}}}
	h.nonce[0], h.proof[31] = 0x77, 0x99
	golden.Format(t, "hello", h.append(nil))
	var n nonce
	n[23] = 0x55
	golden.Format(t, "greeting", n.greeting())
	if got, err := readGreeting(bytes.NewReader(n.greeting())); err != nil || got != n {
		t.Errorf("a greeting was read as %x, %v", got, err)
	}
}

// Another version is named, and not called damaged; nothing behind the version is waited
// for, because another version may have less.
func TestOtherVersionIsNamed(t *testing.T) {
	for _, read := range []func(io.Reader) error{
		func(in io.Reader) error { _, _, err := readHello(in); return err },
		func(in io.Reader) error { _, err := readGreeting(in); return err },
	} {
		for _, version := range []byte{2, 3, 5} {
			err := read(bytes.NewReader(append([]byte(magic), version)))
			if !errors.Is(err, ErrVersion) || errors.Is(err, ErrProtocol) {
				t.Errorf("version %d is %v", version, err)
			}
			if !strings.Contains(err.Error(), "hello version "+string('0'+version)+", this program knows 4") {
				t.Errorf("version %d: %v", version, err)
			}
		}
		if err := read(strings.NewReader("GET / HTTP/1.1")); !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), `"GET "`) {
			t.Errorf("a stranger is %v", err)
		}
	}
}

func TestMalformedHellos(t *testing.T) {
	sound := hello{word: byte(Raft), role: Node, id: "n1", births: Lineage{{1}}}
	for name, change := range map[string]func([]byte) []byte{
		"a role":       func(b []byte) []byte { b[6] = 'X'; return b },
		"no id":        func(b []byte) []byte { b[8] = 0; return b },
		"a long id":    func(b []byte) []byte { b[8] = IDBytesMax + 1; return b },
		"a long build": func(b []byte) []byte { b[9] = BuildBytesMax + 1; return b },
		"a build with control characters": func(b []byte) []byte {
			b[9] = 2
			return append(b[:helloBytes+2:helloBytes+2], append([]byte("a\n"), b[helloBytes+2:]...)...)
		},
		"many births":  func(b []byte) []byte { b[10], b[11] = 1, 4; return b },
		"a zero birth": func(b []byte) []byte { b[helloBytes+2] = 0; return b },
		"no end":       func(b []byte) []byte { return b[:len(b)-1] },
		"no births":    func(b []byte) []byte { return b[:helloBytes+2] },
	} {
		if _, _, err := readHello(bytes.NewReader(change(sound.append(nil)))); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := readHello(bytes.NewReader(sound.append(nil))); err != nil {
		t.Error(err)
	}
}

func FuzzHello(f *testing.F) {
	for _, h := range []hello{
		{word: 'R', role: Node, id: "n1", births: Lineage{{1}}},
		{word: 9, role: FrontEnd, number: 9, id: strings.Repeat("x", IDBytesMax), start: 1 << 40, speaks: 3, level: 2, build: "v0.1.0 abc", keys: PseudonymKeys{1, 2, 3, 4}},
	} {
		f.Add(h.append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, read, err := readHello(bytes.NewReader(data))
		if err != nil {
			return
		}
		if again := h.append(nil); !bytes.HasPrefix(data, again) || !bytes.Equal(read, again) {
			t.Fatalf("%x was read as %x", data, again)
		}
	})
}

// A caller of version 2 gets the greeting, in which it finds the version, although it has
// sent more than is read of it.
func TestCallerOfVersion2(t *testing.T) {
	l, address := serve(t, configOf("n1", Node, Lineage{{1}}))
	conn := dialRaw(t, address)
	if _, err := conn.Write(append([]byte("ONSP\x02RN\x00"), make([]byte, 20)...)); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(io.LimitReader(conn, 25)) // as much as version 2 reads
	if err != nil || len(said) != 25 || said[4] != helloVersion {
		t.Errorf("it was answered %x, %v", said, err)
	}
	conn.Close()
	eventually(t, "a refusal", func() bool { _, refusals := l.Connections(); return refusals == 1 })
}

// A listener of version 2 waits for a hello; the caller says that this may be why.
func TestListenerOfVersion2(t *testing.T) {
	_, err := readGreeting(late{})
	if !errors.Is(err, ErrProtocol) || !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "version 2") {
		t.Error(err)
	}
}

// late is a connection whose deadline passed.
type late struct{}

func (late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }
