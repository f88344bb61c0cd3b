package strict

import (
	"bytes"
	"net/url"
	"strconv"
	"testing"
)

// FuzzQuery: what is taken means what net/url makes of it.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "q=1", "q=2&min=1&sale=gig", "limit=5&cursor=X", "pretty", "q=0", "q=1&q=2", "a=b", "q=%31", "&", "q=1&", "sale=a+b", "q==1", "reference=CART%207", "reference=a+b", "reference=%2B%41~;"} {
		f.Add(seed)
	}
	const all = Quantity | Min | Sale | Limit | Cursor | Pretty | Reference
	f.Fuzz(func(t *testing.T, raw string) {
		var q Query
		if q.Read([]byte(raw), all) != nil {
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("net/url refuses %q: %v", raw, err)
		}
		for name, value := range values {
			if parameterNamed([]byte(name)) == 0 || len(value) != 1 {
				t.Errorf("%q: %s is %q", raw, name, value)
			}
		}
		for name, number := range map[string]int{"q": int(q.Quantity), "min": int(q.Min)} {
			if want, _ := strconv.Atoi(values.Get(name)); want != number {
				t.Errorf("%q: %s is %d, want %d", raw, name, number, want)
			}
		}
		if values.Get("reference") != string(q.Reference()) {
			t.Errorf("%q: the reference is %q", raw, q.Reference())
		}
		if values.Get("sale") != string(q.Sale) || values.Get("cursor") != string(q.Cursor) || q.Limit < 1 || q.Limit > LimitMax {
			t.Errorf("%q: %+v", raw, q)
		}
	})
}

// FuzzHeader: the header reader alone, on bytes that no HTTP library saw first.
func FuzzHeader(f *testing.F) {
	f.Add([]byte("Host: a\r\n\r\n"))
	f.Add([]byte("Host: a\r\n b\r\n\r\n"))
	f.Add([]byte("Authorization: x\r\nAuthorization: y\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h Header
		if h.Read(raw, 64) != nil || len(raw) == 0 {
			return
		}
		if !bytes.HasSuffix(raw, []byte("\r\n")) || bytes.Contains(raw, []byte("\r\n ")) || bytes.Contains(raw, []byte("\r\n\t")) {
			t.Errorf("taken: %q", raw)
		}
	})
}
