package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A claim of sales limits what is not a buyer's token, and one that is not understood makes the
// token worthless: no limit would be the worst reading.
func TestSalesClaim(t *testing.T) {
	v, err := NewVerifier(testConfig())
	must(t, err)
	many := make([]string, SalePatternsMax+1)
	for i := range many {
		many[i] = "x"
	}
	for name, c := range map[string]struct {
		claim   any
		roles   []string
		has     string // of arena, arena-2 and gig
		refused bool
	}{
		"none":            {nil, []string{"seller"}, "arena arena-2 gig", false},
		"one":             {[]string{"arena"}, []string{"seller"}, "arena", false},
		"star":            {[]string{"arena*"}, []string{"seller"}, "arena arena-2", false},
		"two":             {[]string{"arena", "g?g"}, []string{"auditor"}, "arena gig", false},
		"empty":           {[]string{}, []string{"seller"}, "", false},
		"a text":          {"arena", []string{"seller"}, "", true},
		"a number inside": {[]any{1}, []string{"seller"}, "", true},
		"bad pattern":     {[]string{"[a"}, []string{"seller"}, "", true},
		"empty pattern":   {[]string{""}, []string{"seller"}, "", true},
		"long pattern":    {[]string{strings.Repeat("a", 65)}, []string{"seller"}, "", true},
		"too many":        {many, []string{"seller"}, "", true},
		"of a buyer":      {map[string]int{"last year": 3}, []string{"buyer"}, "arena arena-2 gig", false},
		"of a buyer too":  {17, nil, "arena arena-2 gig", false},
	} {
		claims := with("nbf", time.Now().Unix())
		if c.claim != nil {
			claims["sales"] = c.claim
		}
		if c.roles != nil {
			claims["roles"] = c.roles
		}
		who, err := v.Verify(sign(t, jwt.SigningMethodHS256, testSecret(), claims), time.Now().Unix())
		if errors.Is(err, ErrBadToken) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		var has []string
		for _, sale := range []string{"arena", "arena-2", "gig"} {
			if who.Sales.Has(sale) {
				has = append(has, sale)
			}
		}
		if got := strings.Join(has, " "); got != c.has || who.Sales.Limited() != (c.has != "arena arena-2 gig") {
			t.Errorf("%s: for %q (%s), want %q", name, got, who.Sales.String(), c.has)
		}
	}
}

// What Issue writes Verify reads, and it writes nothing else.
func TestIssueForSales(t *testing.T) {
	v, err := NewVerifier(testConfig())
	must(t, err)
	now := time.Now()
	claims := Claims{User: "sella", Roles: RoleSeller, Sales: []string{"arena*"}, Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(time.Hour)}
	token, err := Issue(testSecret(), claims)
	must(t, err)
	who, err := v.Verify([]byte(token), now.Unix())
	must(t, err)
	if !who.Sales.Has("arena-2") || who.Sales.Has("gig") {
		t.Errorf("for %s", who.Sales.String())
	}
	claims.Sales = []string{"["}
	if _, err := Issue(testSecret(), claims); !errors.Is(err, ErrBadToken) {
		t.Errorf("a pattern that is none: %v", err)
	}
}
