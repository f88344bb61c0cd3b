package api

import (
	"fmt"
	"strings"
	"testing"

	"onsale/api/contract"
)

// A refund of an orphan names a charge and says why, in words for a record.
func TestOrphanRefundBodies(t *testing.T) {
	f := serve(t)
	key := refOf("000G000000000003", 1)
	body := func(key, reason string) string { return fmt.Sprintf(`{"payment":%q,"reason":%q}`, key, reason) }
	const path = "/v1/payments/orphans/refund"
	for name, bad := range map[string]string{
		"no key": body("", "lost"), "half a key": body("000G000000000003-01", "lost"), "no reason": body(key, ""),
		"a long reason": body(key, strings.Repeat("x", contract.ReasonBytesMax+1)), "two lines": body(key, "a\nb"),
		"a field more": `{"payment":"` + key + `","reason":"lost","amount":1}`,
	} {
		t.Log(name)
		f.seller("POST", path, bad).want(400, "bad-request")
	}
	f.seller("POST", path, body(key, strings.Repeat("x", contract.ReasonBytesMax))).want(501, "payments-off")
	f.seller("GET", "/v1/payments/orphans", "").want(501, "payments-off")
	f.call("POST", f.private, path, "@auditor", body(key, "lost")).want(403, "forbidden")
}
