package pseudonym

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/internal/secretfile"
	"onsale/sequencer"
)

var first, second = strings.Repeat("1", keyBytesMin), strings.Repeat("2", keyBytesMin)

func keysOf(t testing.TB, lines ...string) *Keys {
	t.Helper()
	k, err := Parse([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The pseudonym of a user is for good: another one would be another buyer, with a cap of its own.
func TestIsForGood(t *testing.T) {
	k := keysOf(t, first, second)
	const want = "p1.8a83665f.YFoXXbuSJCpDqPcy-6JjrZ32ARE" // HMAC-SHA256 of "onsale pseudonym 1\x00alice"
	if got := string(k.Of(k.Newest(), []byte("alice"))); got != want {
		t.Errorf("alice is %s, want %s", got, want)
	}
}

// A user has one name under each key, which is no other user's, and tells its key.
func TestOf(t *testing.T) {
	k, turned := keysOf(t, first, second), keysOf(t, second, first)
	seen := map[string]string{}
	for _, id := range k.IDs() {
		for _, user := range []string{"alice", "bob", "", "p1.", strings.Repeat("x", sequencer.UserBytesMax)} {
			name := k.Of(id, []byte(user))
			if sequencer.PseudonymKeyOf(name) != id || len(name) != sequencer.PseudonymBytes || bytes.Contains(name, []byte("alice")) {
				t.Errorf("%q under %v is %q", user, id, name)
			}
			if again := turned.Of(id, []byte(user)); !bytes.Equal(again, name) {
				t.Errorf("%q is %q and %q", user, name, again)
			}
			if other, taken := seen[string(name)]; taken {
				t.Errorf("%q and %q are both %q", user, other, name)
			}
			seen[string(name)] = user
		}
	}
	if k.Newest() != turned.IDs()[1] || k.Newest() == turned.Newest() {
		t.Error("the newest is not the first")
	}
	alice := []byte("alice")
	if got := k.Of(0, alice); !bytes.Equal(got, alice) {
		t.Errorf("without a key alice is %q", got)
	}
	if got := keysOf(t, first).Of(turned.Newest(), alice); got != nil {
		t.Errorf("under a key that is not there alice is %q", got)
	}
	var none *Keys
	if none.Newest() != 0 || none.IDs() != nil || none.Has(0) || none.Of(1, alice) != nil || !bytes.Equal(none.Of(0, alice), alice) {
		t.Error("no keys make names")
	}
}

func TestMalformed(t *testing.T) {
	for name, data := range map[string]string{
		"nothing": "", "empty lines": "\n \n", "a short one": first + "\n" + second[1:], "one twice": first + "\n" + first,
		"many": strings.Join([]string{first, second, first + "3", first + "4", first + "5"}, "\n"),
	} {
		if k, err := Parse([]byte(data)); !errors.Is(err, ErrKeys) || k != nil {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
}

// The file is made as other secrets are, and refused as they are.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pseudonyms")
	if err := secretfile.Make(path); err != nil {
		t.Fatal(err)
	}
	k, err := Read(path)
	if err != nil || len(k.IDs()) != 1 {
		t.Fatalf("%v, %v", k, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, secretfile.ErrExposed) {
		t.Errorf("a file that all can read: %v", err)
	}
	if err := os.WriteFile(path+"2", []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path + "2"); !errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), path+"2") {
		t.Errorf("a short key: %v", err)
	}
}

func BenchmarkOf(b *testing.B) {
	k, user := keysOf(b, first), []byte("auth0|5f7c8ec7c33c6c004bbafe82")
	b.ReportAllocs()
	for b.Loop() {
		k.Of(k.Newest(), user)
	}
}
