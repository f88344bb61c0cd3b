package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onsale/api/auth"
)

// A page of the internet whose name is made to resolve to this listener's address is not
// answered, on any route; who asks by an address, as localhost or under one of our names is.
func TestPrivateHosts(t *testing.T) {
	config := testConfig()
	config.PrivateHosts = []string{"n1.shop.internal", "box"}
	f := serveWith(t, config)
	ask := func(host, path string) *http.Response {
		t.Helper()
		request, err := http.NewRequest("GET", "http://"+f.private+path, nil)
		must(t, err)
		request.Host = host
		request.Header.Set("Authorization", "Bearer "+f.token("@operator"))
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		response.Body.Close()
		return response
	}
	for host, status := range map[string]int{"127.0.0.1": 200, "localhost:8201": 200, "n1.shop.internal": 200, "evil.example": 421, "box.evil.example:8201": 421} {
		for _, path := range []string{"/livez", "/metrics", "/v1/node", "/v1/sales", "/debug/pprof/cmdline", "/none"} {
			want := status
			if path == "/none" && status == 200 {
				want = 404
			}
			if got := ask(host, path); got.StatusCode != want {
				t.Errorf("%s of %q: %d, want %d", path, host, got.StatusCode, want)
			}
		}
	}
	if got := ask("evil.example", "/livez"); !strings.Contains(got.Header.Get("Content-Type"), "problem+json") {
		t.Errorf("%v", got.Header)
	}
}

// Each spelling of a host is read as a browser sends it. Under TLS the caller has asked the
// certificate for the name.
func TestHostNames(t *testing.T) {
	p := &Private{config: Config{PrivateHosts: []string{"n1.shop.internal", "box"}}}
	for host, taken := range map[string]bool{
		"": true, "127.0.0.1": true, "127.0.0.1:8201": true, "10.0.0.1:8201": true, "[::1]:8201": true, "[::1]": true, "[fe80::1%eth0]:1": true,
		"localhost": true, "LocalHost:8201": true, "localhost.": true, "onsale.localhost:8201": true,
		"n1.shop.internal": true, "N1.Shop.Internal:8201": true, "n1.shop.internal.": true, "box:1": true,
		"evil.example": false, "evil.example:8201": false, "n1.shop.internal.evil.example": false, "xlocalhost": false,
		"localhost.evil.example": false, "127.0.0.1.evil.example": false, "box.evil.example": false, "shop.internal": false, "1": false,
		"[::1].evil.example": false, ".": false, ":8201": false,
	} {
		request := httptest.NewRequest("GET", "/livez", nil)
		request.Host = host
		if problem := p.checkHost(request); (problem == nil) != taken {
			t.Errorf("%q: %v", host, problem)
		}
	}
	request := httptest.NewRequest("GET", "/livez", nil)
	request.Host = "n1.example"
	if p.checkHost(request) == nil {
		t.Error("taken without TLS")
	}
	request.TLS = new(tls.ConnectionState)
	if problem := p.checkHost(request); problem != nil {
		t.Error(problem)
	}
}

// Metrics are for who monitors, profiles for operators: by token, or by the certificate that
// the listener has taken.
func TestWhoSeesMetricsAndProfiles(t *testing.T) {
	f := serve(t)
	profiles := []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/profile?seconds=1", "/debug/pprof/trace?seconds=1"}
	for user, sees := range map[string][2]bool{"": {}, "ann": {}, "@seller": {}, "@auditor": {}, "@monitor": {true, false}, "@operator": {true, true}} {
		refused := map[bool]int{true: 401, false: 403}[user == ""]
		for i, paths := range [][]string{{"/metrics"}, profiles} {
			for _, path := range paths {
				if sees[i] && strings.Contains(path, "seconds") {
					continue // it takes one
				}
				a := f.call("GET", f.private, path, user, "")
				if want := map[bool]int{true: 200, false: refused}[sees[i]]; a.status != want {
					t.Errorf("%s as %q: %d, want %d", path, user, a.status, want)
				}
			}
		}
	}
	f.call("GET", f.private, "/v1/node", "@monitor", "").want(403, "forbidden")

	p := &Private{config: testConfig(), tokens: f.tokens}
	shown := p.shown(auth.RoleOperator, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	for certificates, want := range map[int]int{0: 401, 1: 204} {
		request := httptest.NewRequest("GET", "/metrics", nil)
		request.TLS = &tls.ConnectionState{PeerCertificates: make([]*x509.Certificate, certificates)}
		answer := httptest.NewRecorder()
		shown.ServeHTTP(answer, request.WithContext(context.WithValue(t.Context(), exchangeKey{}, &exchange{started: time.Now()})))
		if answer.Code != want {
			t.Errorf("%d certificates: %d", certificates, answer.Code)
		}
	}
}
