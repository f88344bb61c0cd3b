package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// A node is scraped with a monitor's token, under its own names and those that it was told.
func TestScrape(t *testing.T) {
	o := openOffice(t, func(s *settings) {
		s.Node.AdvertiseAddress, s.Web.PrivateHosts = "n1.shop.internal:7101", []string{"prometheus-sees-n1"}
	})
	defer o.close()
	tokens := map[string]string{"": ""}
	for _, role := range []string{"monitor", "seller"} {
		tokens[role] = strings.TrimSpace(command(t, 0, "token", "--user", "p", "--role", role, "--secret-file", filepath.Join(o.dir, "token-secret")))
	}
	for _, c := range []struct {
		host, role string
		status     int
	}{
		{"n1.shop.internal:8201", "monitor", 200}, {"prometheus-sees-n1", "monitor", 200}, {"localhost", "monitor", 200},
		{"n2.shop.internal", "monitor", 421}, {"localhost", "seller", 403}, {"localhost", "", 401},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+o.server.privateListener.Addr().String()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = c.host
		if c.role != "" {
			request.Header.Set("Authorization", "Bearer "+tokens[c.role])
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("%q as %q: %s", c.host, c.role, answer.Status)
		}
	}
}
