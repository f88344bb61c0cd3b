package auth

import "bytes"

// readClaims reads what a signed token claims. A JSON library costs more than the
// signature, and every buyer's first request pays it, so claims that are written as
// nearly everybody writes them are read in one pass. Whatever else they may be, a space
// between two of them already, is left to the library, which alone says what is
// wrong; a fuzz test holds the two together.
func (s *keySet) readClaims(data []byte) (*tokenClaims, error) {
	if claims, plain := s.plainClaims(data); plain {
		return claims, nil
	}
	claims := new(tokenClaims)
	return claims, claims.UnmarshalJSON(bytes.Clone(data)) // a copy, or nobody's data could stay on the stack
}

// plainClaims reads an object without spaces, whose texts are printable ASCII without
// escapes and whose times are whole seconds; each claim is one that we know, and comes
// once. It reports false for everything else.
func (s *keySet) plainClaims(data []byte) (*tokenClaims, bool) {
	p := &plainReader{data: data}
	storage := new(struct {
		tokenClaims
		times [3]seconds
		one   [1]string
	})
	claims := &storage.tokenClaims
	if p.next() != '{' {
		return nil, false
	}
	for separator := byte('{'); p.take(separator); separator = ',' {
		name := p.text()
		if !p.take(':') {
			return nil, false
		}
		known := false
		switch string(name) {
		case "sub":
			known, claims.Subject = claims.Subject == "", string(p.text())
		case "iss":
			known, claims.Issuer = claims.Issuer == "", p.known(s.config.Issuer)
		case "aud":
			known, claims.Audience = claims.Audience == nil, p.texts(storage.one[:0], s.config.Audience)
		case "iat":
			known, claims.Issued = claims.Issued == nil, p.seconds(&storage.times[0])
		case "nbf":
			known, claims.NotBefore = claims.NotBefore == nil, p.seconds(&storage.times[1])
		case "exp":
			known, claims.Expires = claims.Expires == nil, p.seconds(&storage.times[2])
		case "roles":
			known, claims.Roles = claims.Roles == nil && p.next() == '[', p.texts(nil, "")
		case "jti":
			known, claims.TokenID = claims.TokenID == "", string(p.text())
		}
		if !known || p.strange {
			return nil, false
		}
	}
	return claims, p.take('}') && p.at == len(data)
}

// plainReader reads JSON's plainest forms. What it cannot read makes it strange.
type plainReader struct {
	data    []byte
	at      int
	strange bool
}

// next returns the next byte, 0 at the end.
func (p *plainReader) next() byte {
	if p.at == len(p.data) {
		return 0
	}
	return p.data[p.at]
}

// take goes past a byte when it is the next one.
func (p *plainReader) take(c byte) bool {
	if p.next() != c {
		return false
	}
	p.at++
	return true
}

// text reads a text that is not empty: an empty one could not be told from none.
func (p *plainReader) text() []byte {
	if !p.take('"') {
		p.strange = true
		return nil
	}
	start := p.at
	for p.at < len(p.data) && plainTextBytes[p.data[p.at]] {
		p.at++
	}
	text := p.data[start:p.at]
	p.strange = p.strange || len(text) == 0 || !p.take('"')
	return text
}

// plainTextBytes are those that mean themselves in a text.
var plainTextBytes = func() (plain [256]bool) {
	for c := byte(' '); c <= '~'; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// known reads a text, and allocates nothing when it is the expected one.
func (p *plainReader) known(expected string) string {
	text := p.text()
	if string(text) == expected {
		return expected
	}
	return string(text)
}

// texts reads a text, or an array of some, behind what dst has.
func (p *plainReader) texts(dst []string, expected string) []string {
	if p.next() == '"' {
		return append(dst, p.known(expected))
	}
	for separator := byte('['); p.take(separator) && !p.strange; separator = ',' {
		dst = append(dst, p.known(expected))
	}
	p.strange = p.strange || !p.take(']') || len(dst) == 0
	return dst
}

// plainDigitsMax is how many digits a number may have that is exact in any form.
const plainDigitsMax = 15

// seconds reads a whole number into place, and returns place.
func (p *plainReader) seconds(place *seconds) *seconds {
	start, number := p.at, int64(0)
	for p.at < len(p.data) && '0' <= p.data[p.at] && p.data[p.at] <= '9' && p.at-start <= plainDigitsMax {
		number = number*10 + int64(p.data[p.at]-'0')
		p.at++
	}
	digits := p.at - start
	p.strange = p.strange || digits < 1 || digits > plainDigitsMax || digits > 1 && p.data[start] == '0'
	*place = seconds(number)
	return place
}
