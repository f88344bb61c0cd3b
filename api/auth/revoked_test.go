package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestParseRevocations(t *testing.T) {
	r, err := ParseRevocations([]byte("# none yet\n\n user  alice\tbefore 2026-12-01T20:00:00Z \r\n" +
		"user alice before 2026-12-01T19:00:00Z\nuser \"a \\\"b\\\" c\" before 2026-12-01T20:00:00.25+01:00\njti t-1\njti \"a b\""))
	must(t, err)
	at := time.Date(2026, 12, 1, 20, 0, 0, 0, time.UTC).Unix()
	if r.users["alice"] != at || r.users[`a "b" c`] != at-3599 || r.Len() != 4 {
		t.Errorf("%+v", r)
	}
	for name, c := range map[string]struct {
		user, id string
		issued   int64
		revoked  bool
	}{
		"before":            {"alice", "", at - 1, true},
		"at the time":       {"alice", "", at, false},
		"does not say when": {"alice", "", neverIssued, true},
		"another user":      {"Alice", "", 0, false},
		"by id":             {"bob", "t-1", at + 1, true},
		"another id":        {"bob", "t-2", 0, false},
		"no id":             {"bob", "", 0, false},
	} {
		if got := r.has(&Identity{User: []byte(c.user), TokenID: c.id, Issued: c.issued}); got != c.revoked {
			t.Errorf("%s: %t", name, got)
		}
	}
	for text, want := range map[string]string{
		"user alice": `line 1: expected is "user NAME before TIME" or "jti ID"`, "\n\nalice": "line 3", "jti": "line 1", "jti a b": "line 1",
		"user alice since 2026-12-01T20:00:00Z": "line 1", "user a b before 2026-12-01T20:00:00Z": "line 1", "Jti x": "line 1",
		"jti x\nuser alice before tomorrow": `line 2: "tomorrow" is no time`, "user alice before 2026-12-01 20:00:00": "line 1",
		"user \"alice before 2026-12-01T20:00:00Z": "a quote is not closed", `user "" before 2026-12-01T20:00:00Z`: "a user has 1 to",
		`user "a"b before 2026-12-01T20:00:00Z`: "line 1", `user "a\nb" before 2026-12-01T20:00:00Z`: "control characters",
		"jti " + strings.Repeat("x", TokenIDBytesMax+1): "at most 128",
	} {
		if r, err := ParseRevocations([]byte(text)); !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v %v", text, r, err)
		}
	}
}

// What the command writes is what is read.
func FuzzRevocationLines(f *testing.F) {
	for _, user := range []string{"alice", "a b", `"`, "#x", `a\`, "\u00a0", "before", "user x before", "é"} {
		f.Add(user, int64(1_800_000_000), int64(1))
	}
	f.Fuzz(func(t *testing.T, user string, seconds, nanoseconds int64) {
		at := time.Unix(seconds%(1<<37), nanoseconds%int64(time.Second))
		if at.Year() < 1 || at.Year() > 9998 {
			return
		}
		if line, err := UserLine(user, at); err == nil {
			r, err := ParseRevocations([]byte(line))
			if err != nil || r.Len() != 1 || r.users[user] != wholeSecond(at) {
				t.Errorf("%q became %+v, %v", line, r, err)
			}
		}
		if line, err := TokenLine(user); err == nil {
			r, err := ParseRevocations([]byte(line))
			if _, is := r.tokens[user]; err != nil || !is || r.Len() != 1 {
				t.Errorf("%q became %+v, %v", line, r, err)
			}
		}
	})
}

// A revocation counts at once, also of a token that is remembered, and whoever waits for one is
// told; when it is taken out the token counts again.
func TestRevoke(t *testing.T) {
	v, err := NewVerifier(testConfig())
	must(t, err)
	now := time.Now()
	token := func(claims jwt.MapClaims) []byte { return sign(t, jwt.SigningMethodHS256, testSecret(), claims) }
	claims := with("jti", "t-1")
	claims["iat"] = now.Unix() - 10
	one, silent, bob := token(claims), token(with("jti", "t-2")), token(with("sub", "bob"))
	check := func(step string, wantOne, wantSilent, wantBob error) {
		t.Helper()
		for _, c := range []struct {
			token []byte
			want  error
		}{{one, wantOne}, {silent, wantSilent}, {bob, wantBob}} {
			for range 2 {
				if _, err := v.Verify(c.token, now.Unix()); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", step, err, c.want)
				}
			}
		}
	}
	revoke := func(text string) {
		t.Helper()
		r, err := ParseRevocations([]byte(text))
		must(t, err)
		more := v.RevokesMore()
		v.Revoke(r)
		select {
		case <-more:
		default:
			t.Error("nobody is told")
		}
	}
	check("before", nil, nil, nil)
	hits := v.hits.Sum()
	revoke("jti t-1")
	check("by id", ErrRevoked, nil, nil)
	revoke("user ann before " + now.Add(time.Minute).Format(time.RFC3339))
	check("by user", ErrRevoked, ErrRevoked, nil)
	revoke("user ann before " + now.Add(-time.Minute).Format(time.RFC3339))
	check("issued later, or nobody knows when", nil, ErrRevoked, nil)
	revoke("")
	check("taken out", nil, nil, nil)
	if v.hits.Sum() != hits+4*6 || v.takenBack.Load() != 2+4+2 || v.refusals.Load() != 0 {
		t.Errorf("%d hits, %d taken back, %d refused", v.hits.Sum()-hits, v.takenBack.Load(), v.refusals.Load())
	}
	if allocations := testing.AllocsPerRun(100, func() { _, _ = v.Verify(one, now.Unix()) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
