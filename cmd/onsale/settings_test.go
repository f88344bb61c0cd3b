package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/api"
)

// What the flags say arrives at the listeners of nodes and of front-ends.
func TestListenerSettings(t *testing.T) {
	args := strings.Fields(`--connections-max=11 --connections-per-address-max=12 --header-bytes-max=1300
		--header-lines-max=14 --uri-bytes-max=150 --body-bytes-max=1600 --webhook-bytes-max=1700
		--read-timeout=18s --write-timeout=19s --idle-timeout=20s
		--user-requests-per-second 2.5 --user-burst 7 --address-requests-per-second 100 --limited-users-max 9
		--trusted-proxies 10.0.0.0/8,192.0.2.7,fd00::/8`)
	want := api.DefaultConfig()
	want.ConnectionsMax, want.ConnectionsPerAddressMax, want.HeaderBytesMax = 11, 12, 1300
	want.HeaderLinesMax, want.URIBytesMax, want.BodyBytesMax, want.WebhookBytesMax = 14, 150, 1600, 1700
	want.ReadTimeout, want.WriteTimeout, want.IdleTimeout = 18*time.Second, 19*time.Second, 20*time.Second
	want.UserRequestsPerSecond, want.UserBurst, want.AddressRequestsPerSecond, want.LimitedUsersMax = 2.5, 7, 100, 9
	want.TrustedProxies = []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("fd00::/8"),
	}
	node, frontEnd := newSettings(), newFrontEndSettings()
	for name, s := range map[string]*processSettings{"serve": &node.processSettings, "frontend": &frontEnd.processSettings} {
		if err := s.Flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		if err := s.load(); err != nil {
			t.Fatal(err)
		}
		got, err := s.web(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		want.Logger, want.Clock, got.Clock = nil, nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// Bounds that make no sense are refused before anything starts, all at once, each under
// the name of its setting.
func TestSettingsBounds(t *testing.T) {
	all := []string{"config", "validate"}
	wrong := map[string]string{"--connections-max=0": "ConnectionsMax", "--header-bytes-max=1": "HeaderBytesMax",
		"--read-timeout=0s": "ReadTimeout is 0s, allowed is 10ms to 1m0s", "--heartbeat-timeout=1ms": "HeartbeatTimeout is 1ms, allowed is 10ms to 1m0s", "--idle-timeout=48h": "IdleTimeout", "--webhook-bytes-max=1": "WebhookBytesMax",
		"--in-flight-max=0": "InFlightMax", "--backfill-bytes-per-second=1": "BytesPerSecond", "--token-leeway=2h": "Leeway",
		"--log-level=loud": "loud", "--private-hosts=n1:8201": "without a port", "--http=here": "HOST:PORT", "--join=there": "HOST:PORT", "--payment=paper": "paper"}
	for flag, field := range wrong {
		has(t, command(t, 2, "config", "validate", flag), field)
		all = append(all, flag)
	}
	text := command(t, 2, all...)
	for flag, field := range wrong {
		name, _, _ := strings.Cut(flag, "=")
		has(t, text, name, field)
	}
}

// Two settings may be right together of which one alone is not.
func TestSettingsThatBelongTogether(t *testing.T) {
	command(t, 2, "config", "validate", "--trailing-entries", "20")
	command(t, 0, "config", "validate", "--trailing-entries", "20", "--in-flight-max", "2")
}

// Every file that is named is read before anything starts; what is wrong with each is
// said at once, by nodes, front-ends and config validate alike.
func TestSettingsFiles(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	both := []string{"--tls-ca", short, "--tls-cert", short, "--tls-key", "/nonexistent/key", "--http-tls-cert", short, "--http-tls-key", short,
		"--jwks-file", short, "--token-issuer", "x", "--secret-file", short}
	words := []string{"--tls-key: open /nonexistent/key", "--http-tls-cert and --http-tls-key", "--secret-file", "at least 32"}
	node := append([]string{"--data-dir", "/nonexistent/data", "--payment", "stripe", "--payment-secret-file", "/nonexistent/payment",
		"--payment-webhook-secret-file", "/nonexistent/webhook"}, both...)
	front := append([]string{"--cluster", "nowhere"}, both...)
	for _, c := range [][]string{append([]string{"serve"}, node...), append([]string{"config", "validate"}, node...)} {
		has(t, command(t, 2, c...), append(words, "--payment-secret-file", "--payment-webhook-secret-file")...)
	}
	for _, c := range [][]string{append([]string{"frontend"}, front...), append([]string{"config", "validate", "frontend"}, front...)} {
		has(t, command(t, 2, c...), append(words, "nowhere")...)
	}
	has(t, command(t, 2, "config", "validate", "--jwks-file", short, "--token-issuer", "x"), "--jwks-file: ")
}

// What config print prints is what --config takes, and -o json has the same values.
func TestConfigPrintIsAConfiguration(t *testing.T) {
	table := "\n[clusters.a]\nnodes = [\"h:1\", \"h:2\"]\nnumber = 0\nsales = [\"gig*\"]\n[clusters.\"b c\"]\nnodes = [\"h:3\"]\nnumber = 1\n"
	for name, c := range map[string]struct{ args, file string }{
		"serve":    {"", "node-id = \"n \\\"7\\\"\"\njoin = [\"h:1\", \"h:2\"]\nidle-timeout = \"90s\"\ntrusted-proxies = \"10.0.0.0/8, 192.0.2.7\"\nlearner = true\n"},
		"frontend": {"frontend", "id = \"f9\"\naddress-requests-per-second = 2.5\n" + table},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"config", "print"}, strings.Fields(c.args)...)
			first, second := filepath.Join(t.TempDir(), "first.toml"), filepath.Join(t.TempDir(), "second.toml")
			if err := os.WriteFile(first, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			printed := command(t, 0, append(args, "--config", first)...)
			if err := os.WriteFile(second, []byte(printed), 0o600); err != nil {
				t.Fatal(err)
			}
			if again := command(t, 0, append(args, "--config", second)...); again != printed {
				t.Errorf("printed\n%s\nand then\n%s", printed, again)
			}
			if defaults := command(t, 0, args...); defaults == printed {
				t.Error("nothing of the file is printed")
			}
			one := into[map[string]any](t, command(t, 0, append(args, "--config", first, "-o", "json")...))
			two := into[map[string]any](t, command(t, 0, append(args, "--config", second, "-o", "json")...))
			if !reflect.DeepEqual(one, two) || len(one) < 30 {
				t.Errorf("%v\nand then\n%v", one, two)
			}
		})
	}
}

// The printed values are plain: durations as flags have them, lists as lists.
func TestConfigPrintIsPlain(t *testing.T) {
	args := []string{"config", "print", "--join", "h:1,h:2", "--stable-time", "1h"}
	has(t, command(t, 0, args...), "join = [\"h:1\",\"h:2\"]\n", "stable-time = \"1h0m0s\"\n", "batch-bytes-max = 262144\n", "dev = false\n")
	has(t, command(t, 0, append(args, "-o", "csv")...), "stable-time,1h0m0s\n", "batch-bytes-max,262144\n")
	values := into[map[string]any](t, command(t, 0, append(args, "-o", "json")...))
	if values["stable-time"] != "1h0m0s" || values["batch-bytes-max"] != 262144.0 || !reflect.DeepEqual(values["join"], []any{"h:1", "h:2"}) {
		t.Errorf("%v", values)
	}
}

// A front-end's table of clusters has no field that is not known.
func TestUnknownSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "onsale.toml")
	for text, words := range map[string]string{
		"[clusters.a]\nnode = [\"h:1\"]\n": "unknown field \"node\"",
		"[limits]\nuser-burst = 1\n":       "unknown setting \"limits\"",
		"connections-max = [1, 2]\n":       "connections-max is one value",
		"connections-max = \"many\"\n":     "connections-max: ",
		"connections-max\n":                file,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		has(t, command(t, 2, "config", "print", "frontend", "--config", file), words)
	}
	t.Setenv("ONSALE_NODEID", "n2")
	has(t, command(t, 2, "config", "print"), `environment: unknown setting "nodeid"`)
}
