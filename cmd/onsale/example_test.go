package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"onsale/internal/setting"
)

var rewriteExamples = flag.Bool("rewrite-examples", false, "write deploy's example configuration files anew (make examples)")

// The example configuration files say every setting as it is now, load as they are, and
// with every line taken in hold the defaults.
func TestExampleFiles(t *testing.T) {
	for name, c := range map[string]struct {
		title string
		fresh func() *setting.Set
	}{
		"onsale.toml":   {"Settings of onsale serve (--config).", func() *setting.Set { return newSettings().Set }},
		"frontend.toml": {"Settings of onsale frontend (--config).", func() *setting.Set { return newFrontEndSettings().Set }},
		"webhooks.toml": {"Settings of onsale webhooks (--config).", func() *setting.Set { return newWebhookSettings().Set }},
	} {
		t.Run(name, func(t *testing.T) {
			var want bytes.Buffer
			title := c.title + " Each line that is commented out has the default; a flag or an environment variable " +
				"(ONSALE_DATA_DIR for data-dir) wins over this file. Made by make examples."
			if err := c.fresh().WriteExample(&want, title); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("..", "..", "deploy", name)
			if *rewriteExamples {
				if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(text, want.Bytes()) {
				t.Fatalf("%s is not what the settings say (%v); make examples writes it", path, err)
			}

			whole := filepath.Join(t.TempDir(), name)
			active := regexp.MustCompile(`(?m)^#([a-z[])`).ReplaceAllString(string(text), "$1")
			if err := os.WriteFile(whole, []byte(active), 0o600); err != nil {
				t.Fatal(err)
			}
			defaults := printed(t, c.fresh(), "")
			if got := printed(t, c.fresh(), path); got != defaults {
				t.Errorf("%s changes something:\n%s", path, got)
			}
			got, tables, _ := strings.Cut(printed(t, c.fresh(), whole), "\n[")
			if strings.TrimSpace(got) != strings.TrimSpace(defaults) {
				t.Errorf("%s without comments:\n%s\nthe defaults are\n%s", path, got, defaults)
			}
			if name == "frontend.toml" {
				has(t, tables, "clusters.", "sales = [\"worldtour-*\"]")
			}
			if name == "webhooks.toml" {
				has(t, tables, "endpoints.", "https://shop.example.com/onsale")
			}
		})
	}
}

// printed is what a configuration file comes to.
func printed(t *testing.T, s *setting.Set, path string) string {
	t.Helper()
	var environment []string
	if path != "" {
		environment = []string{"ONSALE_CONFIG=" + path}
	}
	var text bytes.Buffer
	if err := s.Load(environment); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
