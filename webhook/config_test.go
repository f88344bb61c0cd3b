package webhook

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
)

func TestCheck(t *testing.T) {
	good := Endpoint{URL: "https://shop.example.com/hook?token=x", SecretFile: "secret", Types: []string{"order.*", "sale.opened", "onsale.order.paid.v1"},
		Sales: []string{"arena-2026", "A.b_c"}}
	if err := Check(map[string]Endpoint{"shop": good}); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*Endpoint){
		"url is no URL":           func(e *Endpoint) { e.URL = "shop" },
		"not https":               func(e *Endpoint) { e.URL = "http://shop.example.com/token" },
		"neither https nor http":  func(e *Endpoint) { e.URL = "ftp://shop.example.com/token" },
		"a user or a fragment":    func(e *Endpoint) { e.URL = "https://a:token@shop.example.com" },
		"secret_file is missing":  func(e *Endpoint) { e.SecretFile = "" },
		"timeout is 2m0s":         func(e *Endpoint) { e.Timeout = contract.Duration(2 * time.Minute) },
		"timeout is -1s":          func(e *Endpoint) { e.Timeout = contract.Duration(-time.Second) },
		"disable_after is 1s":     func(e *Endpoint) { e.DisableAfter = contract.Duration(time.Second) },
		"concurrency is 513":      func(e *Endpoint) { e.Concurrency = 513 },
		"concurrency is -1":       func(e *Endpoint) { e.Concurrency = -1 },
		"from is \"yesterday\"":   func(e *Endpoint) { e.From = "yesterday" },
		"types are such as":       func(e *Endpoint) { e.Types = []string{"order paid"} },
		"sales are ids":           func(e *Endpoint) { e.Sales = []string{"a/b"} },
		"32 entries each at most": func(e *Endpoint) { e.Sales = strings.Split(strings.Repeat("a ", 40), " ") },
	} {
		e := good
		change(&e)
		err := Check(map[string]Endpoint{"shop": e})
		if !errors.Is(err, ErrEndpoint) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "[endpoints.shop]") || strings.Contains(err.Error(), "token") {
			t.Errorf("%s: %v", says, err)
		}
	}
	if err := Check(map[string]Endpoint{"a b": good}); !errors.Is(err, ErrEndpoint) {
		t.Errorf("a bad name: %v", err)
	}
	many := map[string]Endpoint{}
	for n := range EndpointsMax + 1 {
		many[fmt.Sprint("e", n)] = good
	}
	if err := Check(many); !errors.Is(err, ErrEndpoint) {
		t.Errorf("too many: %v", err)
	}
}
