package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The log of a start is JSON, a line each, says where the node listens and what
// it promises, and ends with ready; that of a stop says so.
func TestStartEndsWithReady(t *testing.T) {
	n := newNodes(t, 1)[0]
	n.format = "json"
	n.start()
	leaderAmong(t, []*testNode{n})
	n.logs(`"ready"`)
	words := logMessages(t, n.log())
	if words[len(words)-1] != "ready" {
		t.Errorf("after ready: %q", words)
	}
	has(t, n.log(), n.http, n.private, n.peer, `"folder":"new"`, "fsync on a majority")
	n.stop()
	words = logMessages(t, n.log())
	if last := strings.Join(words, "\n"); !strings.Contains(last, "ready\nstopping") {
		t.Errorf("a stop after ready: %q", words)
	}
	n.start()
	leaderAmong(t, []*testNode{n})
	n.logs(`"ready"`)
	has(t, n.log(), `"folder":"existing"`)
	n.stop()
}

// logMessages returns the message of every line of a JSON log.
func logMessages(t testing.TB, log string) (words []string) {
	t.Helper()
	for line := range strings.Lines(log) {
		entry := into[struct {
			Time time.Time `json:"time"`
			Msg  string    `json:"msg"`
		}](t, line)
		if entry.Msg == "" || entry.Time.IsZero() {
			t.Errorf("no log line: %s", line)
		}
		words = append(words, entry.Msg)
	}
	return words
}

// A node that waits for its peers stops at once when it is told to.
func TestStopBeforeReady(t *testing.T) {
	n := newNodes(t, 3)[0]
	n.start()
	n.logs("listening")
	if n.ready() {
		t.Error("one of three is ready")
	}
	began := time.Now()
	n.stop()
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if strings.Contains(n.log(), "msg=ready") {
		t.Errorf("ready without a leader\n%s", n.log())
	}
}

// Each way of a wrong start says what is wrong, and leaves no folder behind.
func TestWrongStarts(t *testing.T) {
	busy := newNodes(t, 1)[0]
	busy.start()
	leaderAmong(t, []*testNode{busy})
	short, file := filepath.Join(t.TempDir(), "short"), filepath.Join(t.TempDir(), "onsale.toml")
	if err := os.WriteFile(short, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("data_dir = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	join := "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"
	for _, c := range []struct {
		what  string
		code  int
		words string
		args  []string
	}{
		{"buyers' port", 1, "buyers' listener: listen tcp " + busy.http, []string{"--http", busy.http}},
		{"private port", 1, "private listener: listen tcp " + busy.private, []string{"--private", busy.private}},
		{"peers' port", 1, "peers' listener: listen tcp " + busy.peer, []string{"--peer", busy.peer}},
		{"no secret", 2, "several nodes need the same --secret-file", []string{"--join", join}},
		{"short secret", 2, "at least 32", []string{"--secret-file", short}},
		{"stranger", 2, "this one's (127.0.0.1:0) among them", []string{"--join", join, "--bootstrap-expect", "3", "--secret-file", busy.secretFile}},
		{"beyond loopback", 2, "say --insecure", []string{"--peer", "0.0.0.0:0"}},
		{"half TLS", 2, "belong together", []string{"--tls-ca", short}},
		{"file", 2, `unknown setting "data_dir"`, []string{"--config", file}},
		{"no file", 2, "no such file", []string{"--config", file + ".not"}},
		{"number", 2, "in-flight-max", []string{"--in-flight-max", "many"}},
		{"level", 2, "debug, info, warn and error", []string{"--log-level", "loud"}},
		{"argument", 2, "unknown command", []string{"now"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			args := []string{"serve", "--data-dir", dir, "--http", "127.0.0.1:0", "--private", "127.0.0.1:0", "--peer", "127.0.0.1:0"}
			code, output := onsaleProcess(t, nil, append(args, c.args...)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			has(t, output, c.words)
			if _, err := os.Stat(dir); err == nil && c.what != "peers' port" {
				t.Error("a folder was made")
			}
		})
	}
	if code, output := onsaleProcess(t, []string{"ONSALE_IN_FLIGHT_MAX=many"}, "serve"); code != 2 {
		t.Errorf("exit code %d\n%s", code, output)
	}
	busy.stop()
}

// One node alone makes a secret for its owner's eyes, once.
func TestOwnSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "token-secret")
	first, err := loadSecret(&settings{processSettings: processSettings{SecretFile: path}})
	if err != nil {
		t.Fatal(err)
	}
	if err := makeSecret(path); err != nil { // as another process would, too late
		t.Fatal(err)
	}
	second, err := loadSecret(&settings{processSettings: processSettings{SecretFile: path}})
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("%q, then %q, %v", first, second, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}
