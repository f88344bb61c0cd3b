package api

import (
	"strings"
	"testing"
	"time"
)

func TestAuthorization(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	a := f.buy("", "?q=1").want(401, "unauthorized")
	if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="onsale"` {
		t.Errorf("WWW-Authenticate %q", got)
	}
	for _, authorization := range []string{"Bearer", "Bearer x", "Basic dTpw", "Bearer  ", f.token("ann")} {
		a := f.buy("", "?q=1", "Authorization: "+authorization).want(401, "unauthorized")
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer realm=") {
			t.Errorf("%q: WWW-Authenticate %q", authorization, a.header.Get("WWW-Authenticate"))
		}
	}
	f.buy("@seller", "?q=1").want(403, "forbidden")
	token := f.token("ann")
	f.buy("", "?q=1", "Authorization: Bearer "+token).want(202, "")
	f.clock.Store(int64(72 * time.Hour))
	a = f.buy("", "?q=1", "Authorization: Bearer "+token).want(401, "unauthorized")
	if !strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token", error_description="the token has expired"`) {
		t.Errorf("WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
	}
	for _, path := range []string{"/v1/orders", "/v1/orders/0000000000000000"} {
		f.call("GET", f.public, path, "", "").want(401, "unauthorized")
	}
}
