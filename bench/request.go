package bench

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/auth"
)

// errResponse is returned when a server answers something that is not HTTP/1.1
// with a length.
var errResponse = errors.New("malformed response")

// buyRequest builds the requests of one connection.
type buyRequest struct {
	head   []byte // request line and fixed header lines
	minter *minter
	user   []byte
	buffer []byte
}

// newBuyRequest asks for tickets of a sale; "" is the only one that there is.
func newBuyRequest(host, sale string, quantity int, m *minter) *buyRequest {
	if sale != "" {
		sale = "&sale=" + sale
	}
	head := fmt.Sprintf("POST /v1/tickets?q=%d%s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n", quantity, sale, host)
	return &buyRequest{head: []byte(head), minter: m}
}

// with returns a request of a buyer under a key, valid until the next call. Of a key that is
// the buyer's only one a repetition is the same purchase.
func (r *buyRequest) with(buyer, key uint64) []byte {
	r.user = strconv.AppendUint(append(r.user[:0], buyerPrefix...), buyer, 10)
	b := append(r.buffer[:0], r.head...)
	b = append(b, "Authorization: Bearer "...)
	b = r.minter.appendToken(b, r.user)
	b = append(b, "\r\nIdempotency-Key: k-"...)
	b = strconv.AppendUint(b, key, 10)
	r.buffer = append(b, "\r\n\r\n"...)
	return r.buffer
}

// buyerPrefix begins the id of every buyer; a number follows.
const buyerPrefix = "buyer-"

// response is what the load needs of an answer. body is valid until the next read.
type response struct {
	status     int
	retryAfter time.Duration // of the header Retry-After; 0 without
	body       []byte
}

// bodyBytesMax bounds an answer's body.
const bodyBytesMax = 1 << 20

// readResponse reads one answer with a Content-Length into raw.
func readResponse(in *bufio.Reader, raw *fasthttp.Response) (answer response, err error) {
	if err = raw.Header.Read(in); err == nil && raw.Header.ContentLength() >= 0 {
		err = raw.ReadBody(in, bodyBytesMax)
	} else if err == nil {
		err = errors.New("no length")
	}
	if after := raw.Header.Peek(fasthttp.HeaderRetryAfter); err == nil && len(after) > 0 {
		seconds, notNumber := fasthttp.ParseUint(after)
		answer.retryAfter, err = time.Duration(seconds)*time.Second, notNumber
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", errResponse, err)
	}
	answer.status, answer.body = raw.StatusCode(), raw.Body()
	return answer, err
}

// Why a buyer is refused when nothing is left, and when less is than each asks for.
const (
	soldOutReason   = "sold_out"
	notEnoughReason = "not_enough"
)

// outcome names what an answer decided: a state (reserved, waitlisted), the
// reason of a refusal, or the code of a problem.
func (r *response) outcome() string {
	switch {
	case r.status == 202:
		return field(r.body, `"state":"`)
	case r.status == 200:
		return field(r.body, `"reason":"`)
	default:
		return strconv.Itoa(r.status) + " " + field(r.body, `"code":"`)
	}
}

// field returns the text behind a marker up to the next quote. It allocates for
// unknown texts only.
func field(body []byte, marker string) string {
	at := bytes.Index(body, []byte(marker))
	if at < 0 {
		return "?"
	}
	body = body[at+len(marker):]
	end := bytes.IndexByte(body, '"')
	if end < 0 {
		return "?"
	}
	if known, is := usualTexts[string(body[:end])]; is {
		return known
	}
	return string(body[:end])
}

var usualTexts = map[string]string{soldOutReason: soldOutReason, notEnoughReason: notEnoughReason, "reserved": "reserved", "waitlisted": "waitlisted"}

// minter makes buyers' tokens as auth.Issue does, a microsecond each instead
// of five: ten million distinct buyers need one each. It belongs to one goroutine.
type minter struct {
	mac     hash.Hash
	prefix  []byte // encoded header and the dot
	rest    []byte // claims after the subject
	payload []byte
	sum     []byte
}

// tokenLifetime is how long the buyers' tokens last: longer than any run.
const tokenLifetime = 24 * time.Hour

func newMinter(secret []byte, now time.Time) *minter {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	rest := `","iss":"onsale","aud":["onsale"],"iat":` + strconv.FormatInt(now.Unix(), 10) +
		`,"exp":` + strconv.FormatInt(now.Add(tokenLifetime).Unix(), 10) + `}`
	return &minter{mac: hmac.New(sha256.New, secret), prefix: []byte(header + "."), rest: []byte(rest)}
}

// appendToken appends the token of a user, whose id needs no escaping.
func (m *minter) appendToken(dst []byte, user []byte) []byte {
	m.payload = append(append(append(m.payload[:0], `{"sub":"`...), user...), m.rest...)
	start := len(dst)
	dst = append(dst, m.prefix...)
	dst = base64.RawURLEncoding.AppendEncode(dst, m.payload)
	m.mac.Reset()
	m.mac.Write(dst[start:])
	m.sum = m.mac.Sum(m.sum[:0])
	dst = append(dst, '.')
	return base64.RawURLEncoding.AppendEncode(dst, m.sum)
}

// randomSecret returns a new secret of tokens: in hexadecimal, because a file's secret loses
// white space at its ends.
func randomSecret() []byte {
	random := make([]byte, auth.SecretBytesMin)
	rand.Read(random) // never fails
	return []byte(hex.EncodeToString(random))
}
