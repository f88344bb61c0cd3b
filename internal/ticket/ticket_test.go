package ticket

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/internal/secretfile"
	"onsale/sequencer"
)

// The births of a cluster that was restored: its first history counts up to decision 40.
var births = []sequencer.Birth{
	{FirstSeq: 1, Cluster: sequencer.ClusterID{1, 2, 3, 4, 5}, Cause: sequencer.BirthNew},
	{FirstSeq: 1000, Cluster: sequencer.ClusterID{1, 2, 3, 4, 6}, Cause: sequencer.BirthRestore, After: 40},
}

// secretsOf returns secrets of files that were made one after the other, the newest first.
func secretsOf(t *testing.T, path string, files int) *Secrets {
	t.Helper()
	var lines []byte
	for i := range files {
		one := filepath.Join(t.TempDir(), "key")
		must(t, secretfile.Make(one))
		line, err := os.ReadFile(one)
		must(t, err)
		if lines = append(line, lines...); i == files-1 {
			must(t, os.WriteFile(path, lines, 0o600))
		}
	}
	s, err := ReadSecrets(path)
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func verifier(t *testing.T, s *Secrets, revoked ...uint32) *Verifier {
	t.Helper()
	document, err := json.Marshal(Keys{Clusters: []ClusterKeys{s.Public(3, births, "x-1")}})
	must(t, err)
	var keys Keys
	must(t, json.Unmarshal(document, &keys))
	v, err := NewVerifier(&keys, &Revoked{Cluster: 3, Sale: "gig", SaleNumber: 7, Numbers: revoked})
	must(t, err)
	return v
}

// sold is a ticket that was paid in the newest birth.
func sold() Ticket {
	return Ticket{Birth: births[1].Cluster, Cluster: 3, Sale: 7, Order: 1 << 40, Paid: 1<<40 + 9, Number: 12}
}

// What was signed is what is read, and each wrong has its error.
func TestVerify(t *testing.T) {
	t.Parallel()
	s := secretsOf(t, filepath.Join(t.TempDir(), "keys"), 1)
	v := verifier(t, s, 13)
	is := sold()
	if got, err := v.Verify(s.Sign(&is)); err != nil || got != is {
		t.Errorf("%+v, %v", got, err)
	}
	if again := s.Sign(&is); again != s.Sign(&is) || len(again) != CodeCharacters {
		t.Errorf("%d characters, two nodes sign otherwise", len(again))
	}

	old := Ticket{Birth: births[0].Cluster, Cluster: 3, Sale: 7, Order: 4, Paid: 40, Number: 1}
	if _, err := v.Verify(s.Sign(&old)); err != nil {
		t.Errorf("of the history that counts: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Ticket)
		want   error
	}{
		"revoked":                       {func(t *Ticket) { t.Number = 13 }, ErrRevoked},
		"of another sale":               {func(t *Ticket) { t.Sale = 8 }, ErrOtherSale},
		"of another cluster":            {func(t *Ticket) { t.Cluster = 4 }, ErrNotGenuine},
		"paid behind the cut":           {func(t *Ticket) { *t = old; t.Paid = 41 }, ErrCut},
		"a lost order":                  {func(t *Ticket) { *t = old; t.Order, t.Paid = 50, 60 }, ErrCut},
		"of a birth that nobody knows":  {func(t *Ticket) { t.Birth[9]++ }, ErrNotGenuine},
		"of a birth with another begin": {func(t *Ticket) { t.Birth[0]++ }, ErrNotGenuine},
	} {
		is := sold()
		c.change(&is)
		if _, err := v.Verify(s.Sign(&is)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := v.Verify(secretsOf(t, filepath.Join(t.TempDir(), "keys"), 1).Sign(&is)); !errors.Is(err, ErrNotGenuine) {
		t.Errorf("of another's key: %v", err)
	}
}

// A text that differs from a code in one bit, has a character more or less, or is nothing of the
// kind is not genuine. Bits are flipped in the text, and under its letters.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	s := secretsOf(t, filepath.Join(t.TempDir(), "keys"), 2)
	v, is := verifier(t, s), sold()
	code := s.Sign(&is)
	check := func(what, text string) {
		if _, err := v.Verify(text); !errors.Is(err, ErrNotGenuine) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range len(code) * 8 {
		text := []byte(code)
		text[i/8] ^= 1 << (i % 8)
		check("a bit of the text", string(text))
	}
	_, _, bits, err := read(code)
	must(t, err)
	for i := range len(bits) * 8 {
		bits[i/8] ^= 1 << (i % 8)
		check("a bit of the code", encoding.EncodeToString(bits))
		bits[i/8] ^= 1 << (i % 8)
	}
	for _, text := range []string{"", "x", code[1:], code + "0", code[:CodeCharacters-1] + "\n", strings.ToLower(code), strings.Repeat("0", CodeCharacters)} {
		check("another text", text)
	}
	if _, err := v.Verify(code); err != nil {
		t.Error(err)
	}
}

// The newest secret signs, all verify; what was signed before stays genuine until its secret is gone.
func TestRotation(t *testing.T) {
	t.Parallel()
	path, is := filepath.Join(t.TempDir(), "keys"), sold()
	s := secretsOf(t, path, 1)
	first, err := os.ReadFile(path)
	must(t, err)
	before := s.Sign(&is)

	secretsOf(t, path, 1)
	second, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(second, first...), 0o600))
	both, err := ReadSecrets(path)
	must(t, err)
	s.Take(both)
	after := s.Sign(&is)
	v := verifier(t, s)
	for _, code := range []string{before, after} {
		if _, err := v.Verify(code); err != nil {
			t.Error(err)
		}
	}
	if before == after {
		t.Error("the newest secret does not sign")
	}
	must(t, os.WriteFile(path, second, 0o600))
	alone, err := ReadSecrets(path)
	must(t, err)
	if _, err := verifier(t, alone).Verify(before); !errors.Is(err, ErrNotGenuine) {
		t.Errorf("its secret is gone: %v", err)
	}
}

// Nodes with one file have one fingerprint, and no others do: the order of the lines decides which
// one signs.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	s := secretsOf(t, path, 2)
	again, err := ReadSecrets(path)
	must(t, err)
	count, fingerprint := s.Describe()
	if other, same := again.Describe(); count != 2 || other != 2 || same != fingerprint || len(fingerprint) != 2*fingerprintBytes {
		t.Errorf("%d %s, and %d %s of the same file", count, fingerprint, other, same)
	}
	must(t, os.WriteFile(path, turned(t, path), 0o600))
	back, err := ReadSecrets(path)
	must(t, err)
	if _, other := back.Describe(); other == fingerprint {
		t.Error("another order of the lines has the same fingerprint")
	}
	var none *Secrets
	if count, fingerprint := none.Describe(); count != 0 || fingerprint != NoSecrets {
		t.Errorf("%d %s without a file", count, fingerprint)
	}
	is := sold()
	s.Sign(&is)
	if s.signed.Load() != 1 {
		t.Errorf("%d codes were signed", s.signed.Load())
	}
}

// turned returns the lines of a file, the last one first.
func turned(t *testing.T, path string) []byte {
	data, err := os.ReadFile(path)
	must(t, err)
	lines := strings.Fields(string(data))
	slices.Reverse(lines)
	return []byte(strings.Join(lines, "\n") + "\n")
}

// Keys change with the birth, and with nothing else.
func TestKeysChangeWithTheBirth(t *testing.T) {
	t.Parallel()
	s := secretsOf(t, filepath.Join(t.TempDir(), "keys"), 1)
	keys := s.Public(0, append(births, births[0]), "")
	if one, two := keys.Births[0].Keys[0], keys.Births[1].Keys[0]; one == two {
		t.Error("two births have one key")
	}
	if one, again := keys.Births[0].Keys[0], keys.Births[2].Keys[0]; one != again {
		t.Error("one birth has two keys")
	}
	if keys.Births[0].CutSeq != 40 {
		t.Errorf("cut at %d", keys.Births[0].CutSeq)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	line := strings.Repeat("ab", secretBytes) + "\n"
	for name, content := range map[string]string{"empty": "", "short": line[2:], "no digits": strings.Repeat("xy", secretBytes), "twice the same": line + line} {
		must(t, os.WriteFile(path, []byte(content), 0o600))
		if _, err := ReadSecrets(path); !errors.Is(err, ErrSecrets) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, os.WriteFile(path, []byte(line), 0o600))
	must(t, os.Chmod(path, 0o644))
	if _, err := ReadSecrets(path); !errors.Is(err, secretfile.ErrExposed) {
		t.Errorf("everybody reads it: %v", err)
	}

	good := ClusterKeys{Births: []PublicBirth{{Birth: births[0].Cluster.String(), Keys: []string{base64.StdEncoding.EncodeToString(make([]byte, 32))}}}}
	for name, change := range map[string]func(k *Keys, r *Revoked){
		"no births":     func(k *Keys, _ *Revoked) { k.Clusters = nil },
		"no birth's id": func(k *Keys, _ *Revoked) { k.Clusters[0].Births = []PublicBirth{{Birth: "12"}} },
		"no key": func(k *Keys, _ *Revoked) {
			k.Clusters[0].Births = []PublicBirth{{Birth: births[0].Cluster.String(), Keys: []string{"AQ=="}}}
		},
		"cut at the end": func(k *Keys, _ *Revoked) {
			k.Clusters[0].Births = []PublicBirth{{Birth: births[0].Cluster.String(), CutSeq: 1}}
		},
		"no sale":         func(_ *Keys, r *Revoked) { r.SaleNumber = 0 },
		"not all revoked": func(_ *Keys, r *Revoked) { r.More = true },
	} {
		keys, revoked := &Keys{Clusters: []ClusterKeys{good}}, &Revoked{SaleNumber: 1}
		if _, err := NewVerifier(keys, revoked); err != nil {
			t.Fatal(err)
		}
		if change(keys, revoked); true {
			if _, err := NewVerifier(keys, revoked); !errors.Is(err, ErrFile) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// What is not valid has no code, and what a copied cluster sold has none either.
func TestCodes(t *testing.T) {
	t.Parallel()
	s := secretsOf(t, filepath.Join(t.TempDir(), "keys"), 1)
	view := sequencer.OrderView{Seq: 1 << 40, Sale: 7, PaidSeq: 1<<40 + 9, PaidBirth: births[1].Cluster,
		Tickets: []sequencer.Ticket{{Number: 12}, {Number: 13, Revoked: true}}}
	is := sold()
	if codes := s.Codes(3, &view); len(codes) != 1 || codes[0] != (Coded{12, s.Sign(&is)}) {
		t.Errorf("%+v", codes)
	}
	view.PaidBirth = sequencer.ClusterID{}
	if codes := s.Codes(3, &view); codes != nil {
		t.Errorf("%+v", codes)
	}
}

// The picture is a QR code of version 6, with its three corners and a quiet edge.
func TestPicture(t *testing.T) {
	t.Parallel()
	s := secretsOf(t, filepath.Join(t.TempDir(), "keys"), 1)
	is := sold()
	svg, err := Picture(s.Sign(&is))
	must(t, err)
	text := string(svg)
	for _, part := range []string{`viewBox="0 0 49 49"`, "M4 4h7v1h-7z", "M38 4h7v1h-7z", "M4 38h7v1h-7z"} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not in %.200s", part, text)
		}
	}
	if len(svg) > 32<<10 {
		t.Errorf("%d bytes", len(svg))
	}
}
