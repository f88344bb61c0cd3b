package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"sync"
)

// usualHeader is {"alg":"HS256","typ":"JWT"}, as nearly everybody spells it; with the
// kid of one of our secrets between, it is as our own tokens have it.
// A token that begins so says nothing in its header that has to be read, so its
// signature can be checked at once, with keys that are set up already: less
// than half the cost of the library's way, which counts when ten million buyers
// each show a token for the first time. Tokens with another header go the
// library's way, and a fuzz test holds the two together. What a signed token
// claims is judged by the library's validator in both.
const usualHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."

// payloadBytesUsual is how long most tokens' claims are at most; longer ones cost an
// allocation.
const payloadBytesUsual = 256

// signer checks HMACs of one secret; it keeps hashes that have the key in them.
type signer struct {
	id     string // kid
	header string // of tokens that name it
	hashes sync.Pool
}

func newSigner(secret []byte) *signer {
	secret = bytes.Clone(secret)
	s := &signer{id: KeyID(secret)}
	s.header = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"`+s.id+`","typ":"JWT"}`)) + "."
	s.hashes.New = func() any { return hmac.New(sha256.New, secret) }
	return s
}

func (s *signer) signed(text, signature []byte) bool {
	keyed := s.hashes.Get().(hash.Hash)
	defer s.hashes.Put(keyed)
	keyed.Reset()
	_, _ = keyed.Write(text) // never fails
	var sum [sha256.Size]byte
	return hmac.Equal(keyed.Sum(sum[:0]), signature)
}

// usual returns the length of a usual header, its dot included, and who may have signed the
// token; 0 for another header.
func (s *keySet) usual(token []byte) (header int, signers []*signer) {
	if bytes.HasPrefix(token, []byte(usualHeader)) {
		return len(usualHeader), s.signers
	}
	for i, signer := range s.signers {
		if len(token) > len(signer.header) && string(token[:len(signer.header)]) == signer.header {
			return len(signer.header), s.signers[i : i+1]
		}
	}
	return 0, nil
}

// verifyUsual returns what a token with a usual header claims.
func (s *keySet) verifyUsual(token []byte, header int, signers []*signer) (*tokenClaims, error) {
	dot := bytes.LastIndexByte(token, '.')
	if dot < header {
		return nil, fmt.Errorf("%w: not of three parts", ErrBadToken)
	}
	signed, payload := token[:dot], token[header:dot]
	var signature [sha256.Size + 2]byte
	strict := base64.RawURLEncoding.Strict()
	if len(token)-dot-1 != strict.EncodedLen(sha256.Size) || !isBase64(token[dot+1:]) {
		return nil, fmt.Errorf("%w: malformed signature", ErrBadToken)
	}
	if _, err := strict.Decode(signature[:], token[dot+1:]); err != nil {
		return nil, fmt.Errorf("%w: malformed signature", ErrBadToken)
	}
	if !signedBy(signers, signed, signature[:sha256.Size]) {
		return nil, fmt.Errorf("%w: not signed by us", ErrBadToken)
	}
	var buffer [payloadBytesUsual]byte
	decoded, err := strict.AppendDecode(buffer[:0], payload)
	if err != nil || !isBase64(payload) {
		return nil, fmt.Errorf("%w: malformed claims", ErrBadToken)
	}
	claims, err := s.readClaims(decoded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	return claims, s.validator.Validate(claims)
}

func signedBy(signers []*signer, text, signature []byte) bool {
	for _, signer := range signers {
		if signer.signed(text, signature) {
			return true
		}
	}
	return false
}

// isBase64 refuses the line breaks that the decoder would skip.
func isBase64(text []byte) bool {
	return bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0
}
