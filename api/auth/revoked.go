package auth

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"onsale/internal/watched"
	"onsale/sequencer"
)

// TokenIDBytesMax bounds the id of a token (jti) that is revoked.
const TokenIDBytesMax = 128

// Revocations are tokens that were taken back before they end. They never change.
//
// Their file has a line each, and is for people and programs to append to:
//
//	user alice before 2026-12-01T20:00:00Z
//	user "a name with spaces" before 2026-12-01T20:00:00+01:00
//	jti 4XUVQ5NQKQ3Z7JX2F6OQ
//	# what begins so is a comment
//
// The first two take back every token whose sub is the user, whoever signed it, and which was
// issued (iat) before that time or does not say when. The third one takes back the token with that
// id. A name is between quotes, as Go and JSON write them, when it has white space or begins with a
// quote. Of two lines about a user the later time counts. A line may go once the last token that
// it is about has ended.
type Revocations struct {
	users  map[string]int64 // by user, the time (Unix seconds) before which tokens were issued
	tokens map[string]struct{}
}

// ReadRevocations reads a file of revocations.
func ReadRevocations(path string) (*Revocations, error) {
	data, err := watched.Read(path)
	if err != nil {
		return nil, fmt.Errorf("revoked tokens: %w", err)
	}
	revoked, err := ParseRevocations(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return revoked, nil
}

// ParseRevocations reads the content of such a file; ErrBadConfig names the line that is wrong.
func ParseRevocations(data []byte) (*Revocations, error) {
	r := &Revocations{users: map[string]int64{}, tokens: map[string]struct{}{}}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		if err := r.add(text); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrBadConfig, number, err)
		}
	}
	return r, nil
}

// errLine is returned for a line that says neither of the two.
var errLine = errors.New(`expected is "user NAME before TIME" or "jti ID"`)

func (r *Revocations) add(line string) error {
	words, err := wordsOf(line)
	switch {
	case err != nil:
		return err
	case len(words) == 2 && words[0] == "jti":
		if len(words[1]) > TokenIDBytesMax {
			return fmt.Errorf("the id of a token has %d bytes, at most %d are allowed", len(words[1]), TokenIDBytesMax)
		}
		r.tokens[words[1]] = struct{}{}
		return nil
	case len(words) != 4 || words[0] != "user" || words[2] != "before":
		return errLine
	case !validUser(words[1]):
		return fmt.Errorf("a user has 1 to %d bytes of UTF-8 without control characters, and is no pseudonym", sequencer.UserBytesMax)
	}
	before, err := time.Parse(time.RFC3339, words[3])
	if err != nil {
		return fmt.Errorf("%q is no time such as 2026-12-01T20:00:00Z", words[3])
	}
	known, is := r.users[words[1]]
	if at := wholeSecond(before); !is || at > known {
		r.users[words[1]] = at
	}
	return nil
}

// wholeSecond rounds up: tokens say in whole seconds when they were issued.
func wholeSecond(t time.Time) int64 {
	seconds := t.Unix()
	if t.Nanosecond() > 0 {
		seconds++
	}
	return seconds
}

// wordsOf takes a line apart, at white space outside of quotes.
func wordsOf(line string) (words []string, err error) {
	for {
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" {
			return words, nil
		}
		word, rest := line, ""
		if line[0] != '"' {
			if end := strings.IndexFunc(line, unicode.IsSpace); end >= 0 {
				word, rest = line[:end], line[end:]
			}
		} else {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("a quote is not closed: %w", errLine)
			}
			rest = line[len(quoted):]
			if word, err = strconv.Unquote(quoted); err != nil || rest != "" && !unicode.IsSpace(rune(rest[0])) {
				return nil, errLine
			}
		}
		words, line = append(words, word), rest
	}
}

// UserLine is the line that takes back a user's tokens that were issued before a time, which is
// rounded up to a second. ErrBadConfig for no user.
func UserLine(user string, before time.Time) (string, error) {
	if !validUser(user) {
		return "", fmt.Errorf("%w: a user has 1 to %d bytes of UTF-8 without control characters", ErrBadConfig, sequencer.UserBytesMax)
	}
	return fmt.Sprintf("user %s before %s\n", quoted(user), time.Unix(wholeSecond(before), 0).UTC().Format(time.RFC3339)), nil
}

// TokenLine is the line that takes back the token with an id. ErrBadConfig for no id.
func TokenLine(id string) (string, error) {
	line := "jti " + quoted(id) + "\n"
	if _, err := ParseRevocations([]byte(line)); err != nil || id == "" || strings.ContainsFunc(id, unicode.IsControl) {
		return "", fmt.Errorf("%w: the id of a token has 1 to %d bytes without control characters", ErrBadConfig, TokenIDBytesMax)
	}
	return line, nil
}

// quoted spells a word of a line.
func quoted(word string) string {
	if word == "" || word[0] == '"' || strings.ContainsFunc(word, unicode.IsSpace) {
		return strconv.Quote(word)
	}
	return word
}

// Len returns how many users and tokens there are.
func (r *Revocations) Len() int { return len(r.users) + len(r.tokens) }

// has reports whether a token was taken back.
func (r *Revocations) has(who *Identity) bool {
	if len(r.users) > 0 {
		if before, is := r.users[string(who.User)]; is && who.Issued < before {
			return true
		}
	}
	if len(r.tokens) == 0 || who.TokenID == "" {
		return false
	}
	_, is := r.tokens[who.TokenID]
	return is
}

// neverIssued is when a token was issued that does not say so: before any time.
const neverIssued = math.MinInt64

// revoking are the revocations that are in force, until others are.
type revoking struct {
	*Revocations
	replaced chan struct{} // closed then
}

// Revoke puts other revocations in force, for tokens that were verified before too.
func (v *Verifier) Revoke(revoked *Revocations) {
	before := v.revoking.Swap(&revoking{revoked, make(chan struct{})})
	close(before.replaced)
}

// askAgain tells whoever waits for RevokesMore that a secret or key is gone, and so perhaps what
// verified a token.
func (v *Verifier) askAgain() {
	for {
		before := v.revoking.Load()
		if v.revoking.CompareAndSwap(before, &revoking{before.Revocations, make(chan struct{})}) {
			close(before.replaced)
			return
		}
	}
}

// Revoked reports whether a token was taken back after it was verified: by a line about it, or
// because what signed it is there no more.
func (v *Verifier) Revoked(who *Identity) bool { return v.revoking.Load().has(who) || !v.stands(who) }

// stands reports whether a token that was verified once is good by the keys that are in force. It is
// verified anew when some are gone.
func (v *Verifier) stands(who *Identity) bool {
	set := v.keys.Load()
	if who.under == set.cache {
		return true
	}
	if hash := set.cache.hash(who.token); set.cache.find(hash, who.token, math.MinInt64) != nil {
		return true // others came with it since
	}
	_, err := set.verify(who.token)
	return err == nil
}

// RevokesMore returns what is closed as soon as other revocations are in force, or fewer keys. Who asks Revoked
// after it misses none.
func (v *Verifier) RevokesMore() <-chan struct{} { return v.revoking.Load().replaced }
