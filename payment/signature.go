package payment

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SignatureTolerance is by how much a webhook's time may differ from ours: an old one
// that was overheard is of no use.
const SignatureTolerance = 300 * time.Second

// secretsMax bounds the signatures of one webhook that are looked at.
const secretsMax = 4

// Sign returns a webhook's signature in the scheme that Stripe made common:
// t=SECONDS,v1=HEX of the HMAC-SHA256 of "SECONDS.BODY"
// (https://docs.stripe.com/webhooks#verify-manually).
func Sign(secret, body []byte, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac(secret, body, at.Unix())))
}

func mac(secret, body []byte, seconds int64) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(strconv.AppendInt(nil, seconds, 10))
	h.Write([]byte{'.'})
	h.Write(body)
	return h.Sum(nil)
}

// Verify returns ErrNotice unless one of the secrets (two while they are rotated)
// signed the body within SignatureTolerance of now.
func Verify(secrets [][]byte, signature string, body []byte, now time.Time) error {
	seconds, given := int64(0), [][]byte{}
	for part := range strings.SplitSeq(signature, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			parsed, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return fmt.Errorf("%w: its time is %q", ErrNotice, value)
			}
			seconds = parsed
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil && len(given) < secretsMax {
				given = append(given, sum)
			}
		}
	}
	if len(given) == 0 {
		return fmt.Errorf("%w: it has no signature, as t=SECONDS,v1=HEX", ErrNotice)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > SignatureTolerance || age < -SignatureTolerance {
		return fmt.Errorf("%w: it is of %s", ErrNotice, time.Unix(seconds, 0).UTC().Format(time.RFC3339))
	}
	for _, secret := range secrets {
		want := mac(secret, body, seconds)
		for _, sum := range given {
			if hmac.Equal(sum, want) {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: its signature is not good", ErrNotice)
}
