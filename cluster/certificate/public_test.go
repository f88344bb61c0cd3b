package certificate

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

// Files of the buyers' certificate that do not load are told: in the log once, and as stale,
// while the old ones are in force; and no more once they do.
func TestPublicFilesThatDoNotLoad(t *testing.T) {
	dir := authority(t)
	files := issued(t, dir, Identity{RoleNode, "n1"}).files
	var said bytes.Buffer
	p, err := OpenPublic(files.Certificate, files.Key, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Now()
	p.now = func() time.Time { clock = clock.Add(lookInterval); return clock }
	ends := p.NotAfter()
	if p.Stale() || ends.Before(time.Now()) || said.Len() > 0 {
		t.Fatalf("at the beginning: it ends %v, %s", ends, &said)
	}

	whole, err := os.ReadFile(files.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	write := func(data []byte) {
		if err := os.WriteFile(files.Certificate, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(whole[:len(whole)/2])
	for range 3 {
		if !p.Stale() || !p.NotAfter().Equal(ends) {
			t.Errorf("stale %t, ends %v, want %v", p.Stale(), p.NotAfter(), ends)
		}
	}
	if n := strings.Count(said.String(), "do not load"); n != 1 || !strings.Contains(said.String(), files.Certificate) {
		t.Errorf("told %d times: %s", n, &said)
	}
	if _, err := p.Config().GetCertificate(nil); err != nil {
		t.Errorf("the old certificate is not shown: %v", err)
	}
	write(whole)
	if p.Stale() {
		t.Errorf("still stale: %s", &said)
	}
}
