package challenge

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func newTest(t testing.TB, change func(*WorkConfig)) *Work {
	t.Helper()
	config := WorkConfig{Secrets: [][]byte{bytes.Repeat([]byte("s"), SecretBytesMin)}, DifficultyBits: 8, Window: time.Minute}
	if change != nil {
		change(&config)
	}
	w, err := NewWork(config)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func solve(t testing.TB, c Challenge) string {
	t.Helper()
	text, err := Solve(context.Background(), c.Text, c.DifficultyBits)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func at(seconds int64) time.Time { return time.Unix(1_800_000_000+seconds, 0) } // a window begins at 0

func TestSolvedChallengePasses(t *testing.T) {
	w := newTest(t, nil)
	for _, user := range []string{"ann", "", strings.Repeat("u", 128), "a\nb"} {
		c := w.Issue(user, at(7))
		if !c.Expires.Equal(at(120)) || c.DifficultyBits != 8 {
			t.Errorf("%+v", c)
		}
		text := solve(t, c)
		if len(text) > AnswerBytesMax {
			t.Errorf("%q has %d bytes", text, len(text))
		}
		for _, second := range []int64{7, 60, 119} { // more than once
			if err := w.Check(user, []byte(text), at(second)); err != nil {
				t.Errorf("%q after %d s: %v", user, second, err)
			}
		}
		if err := newTest(t, nil).Check(user, []byte(text), at(8)); err != nil {
			t.Errorf("another process: %v", err)
		}
		if err := w.Check(user, []byte(text), at(120)); !errors.Is(err, ErrExpired) {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	w := newTest(t, nil)
	text := solve(t, w.Issue("ann", at(0)))
	challenge, nonce, _ := strings.Cut(text, ":")
	parts := strings.Split(challenge, ".")
	swap := func(i int, part string) string {
		other := append([]string(nil), parts...)
		other[i] = part
		return strings.Join(other, ".") + ":" + nonce
	}
	unsolved := func() string { // a nonce that does not do
		for i := range 1000 {
			if candidate := fmt.Sprint(challenge, ":", i); zeroBits([]byte(candidate)) < 8 {
				return candidate
			}
		}
		return ""
	}()
	last := parts[3][len(parts[3])-1]
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":             {"", ErrRequired},
		"no nonce":            {challenge, ErrMalformed},
		"empty nonce":         {challenge + ":", ErrMalformed},
		"nonce of letters":    {challenge + ":abc", ErrMalformed},
		"another spelling":    {challenge + ":0" + nonce, ErrMalformed},
		"nonce too large":     {challenge + ":18446744073709551616", ErrMalformed},
		"long nonce":          {text + strings.Repeat("1", 40), ErrMalformed},
		"two colons":          {text + ":1", ErrMalformed},
		"another version":     {swap(0, "2"), ErrMalformed},
		"no bits":             {swap(1, ""), ErrMalformed},
		"bits 0":              {swap(1, "0"), ErrMalformed},
		"bits 31":             {swap(1, "31"), ErrMalformed},
		"bits with a zero":    {swap(1, "08"), ErrMalformed},
		"time with a sign":    {swap(2, "+"+parts[2]), ErrMalformed},
		"short MAC":           {swap(3, parts[3][1:]), ErrMalformed},
		"MAC with loose bits": {swap(3, parts[3][:21]+string(last+1)), ErrMalformed},
		"MAC with a newline":  {swap(3, "\n"+parts[3][1:]), ErrMalformed},
		"fewer parts":         {parts[0] + "." + parts[3] + ":" + nonce, ErrMalformed},
		"not solved":          {unsolved, ErrUnsolved},
	} {
		if err := w.Check("ann", []byte(c.text), at(1)); !errors.Is(err, c.want) {
			t.Errorf("%s: %q: %v, want %v", name, c.text, err, c.want)
		}
	}
	if err := w.Check("bob", []byte(text), at(1)); !errors.Is(err, ErrForeign) {
		t.Errorf("another buyer: %v", err)
	}
}

// What the MAC speaks for cannot be changed, however much work is done for it.
func TestForgeries(t *testing.T) {
	w := newTest(t, nil)
	mac := w.keys[0].mac([]byte("1.8.1800000120"), "ann")
	forge := func(claims string) []byte {
		c := Challenge{Text: claims + "." + base64.RawURLEncoding.EncodeToString(mac[:]), DifficultyBits: 9}
		return []byte(solve(t, c))
	}
	if err := w.Check("ann", forge("1.8.1800000120"), at(1)); err != nil {
		t.Fatalf("the true one: %v", err)
	}
	for claims, want := range map[string]error{"1.8.1800000180": ErrForeign, "1.9.1800000120": ErrForeign, "1.7.1800000120": ErrUnsolved} {
		if err := w.Check("ann", forge(claims), at(1)); !errors.Is(err, want) {
			t.Errorf("%s: %v", claims, err)
		}
	}
	other := newTest(t, func(c *WorkConfig) { c.Secrets[0] = bytes.Repeat([]byte("o"), SecretBytesMin) })
	if err := other.Check("ann", forge("1.8.1800000120"), at(1)); !errors.Is(err, ErrForeign) {
		t.Errorf("another secret: %v", err)
	}
	easier := newTest(t, func(c *WorkConfig) { c.DifficultyBits = 4 })
	if err := easier.Check("ann", []byte(solve(t, w.Issue("ann", at(0)))), at(1)); err != nil {
		t.Errorf("more work than is asked: %v", err)
	}
	if err := w.Check("ann", []byte(solve(t, easier.Issue("ann", at(0)))), at(1)); !errors.Is(err, ErrUnsolved) {
		t.Errorf("less work than is asked: %v", err)
	}
}

// The newest secret makes challenges, answers to those of all count, and one that is gone takes
// its challenges along.
func TestSecretsRotate(t *testing.T) {
	a, b := bytes.Repeat([]byte("a"), SecretBytesMin), bytes.Repeat([]byte("b"), SecretBytesMin)
	with := func(secrets ...[]byte) *Work { return newTest(t, func(c *WorkConfig) { c.Secrets = secrets }) }
	old, fresh := with(a), with(b)
	underWay := []byte(solve(t, old.Issue("ann", at(0))))
	for name, c := range map[string]struct {
		gate *Work
		want error
	}{"verifies with both, issues with the old": {with(a, b), nil}, "issues with the new": {with(b, a), nil}, "the old is gone": {fresh, ErrForeign}} {
		if err := c.gate.Check("ann", underWay, at(1)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if issued := with(b, a).Issue("ann", at(0)); issued.Text != fresh.Issue("ann", at(0)).Text || issued.Text == old.Issue("ann", at(0)).Text {
		t.Errorf("issued %s", issued.Text)
	}
}

func TestConfigBounds(t *testing.T) {
	secret := [][]byte{make([]byte, SecretBytesMin)}
	for _, bad := range []WorkConfig{
		{nil, 8, time.Minute}, {[][]byte{secret[0], secret[0][1:]}, 8, time.Minute}, {slices.Repeat(secret, SecretsMax+1), 8, time.Minute}, {secret, 0, time.Minute}, {secret, 31, time.Minute}, {secret, 8, time.Second}, {secret, 8, 2 * time.Hour},
	} {
		if _, err := NewWork(bad); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, bits := range []int{0, 31, -1} {
		if _, err := Solve(context.Background(), "x", bits); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

func TestSolveEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := Solve(ctx, "x", DifficultyBitsMax); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// FuzzParse: what is taken has one spelling, and nothing that was not made here
// passes.
func FuzzParse(f *testing.F) {
	w := newTest(f, nil)
	f.Add([]byte(solve(f, w.Issue("ann", at(0)))))
	f.Add([]byte("1.8.1800000120.AAAAAAAAAAAAAAAAAAAAAA:0"))
	f.Add([]byte("1.30.999999999999.______________________:18446744073709551615"))
	f.Add([]byte("1..:"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, ok := parse(text)
		if !ok {
			return
		}
		_, nonce, _ := bytes.Cut(text, []byte(":"))
		n, _ := number(nonce, nonceDigitsMax)
		again := fmt.Sprintf("%s.%d.%d.%s:%d", version, a.bits, a.expires, base64.RawURLEncoding.EncodeToString(a.mac[:]), n)
		if again != string(text) || len(text) > AnswerBytesMax {
			t.Errorf("%q is read as %q", text, again)
		}
		if err := w.Check("nobody", text, at(0)); err == nil {
			t.Errorf("%q passes", text)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	w := newTest(b, nil)
	text, now := []byte(solve(b, w.Issue("ann", at(0)))), at(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Check("ann", text, now); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSolve is the work of 16 bits.
func BenchmarkSolve(b *testing.B) {
	w := newTest(b, func(c *WorkConfig) { c.DifficultyBits = 16 })
	for i := 0; b.Loop(); i++ {
		solve(b, w.Issue(fmt.Sprint("buyer-", i), at(0)))
	}
}
