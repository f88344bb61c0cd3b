package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/proof/testenv"
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
	testenv.TakesLong(t, "two dozen processes")
	busy := newNodes(t, 1)[0]
	busy.start()
	leaderAmong(t, []*testNode{busy})
	open := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.WriteFile(open, bytes.Repeat([]byte("s"), 32), 0o600), os.Chmod(open, 0o644)); err != nil {
		t.Fatal(err)
	}
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
		{"no secret there", 2, "no such file", []string{"--secret-file", short + ".not"}},
		{"no peer secret", 2, "without TLS the processes of a cluster need the same --peer-secret-file", []string{"--join", join, "--secret-file", busy.secretFile}},
		{"no peer secret there", 2, "--peer-secret-file: open " + short + ".not", []string{"--peer-secret-file", short + ".not"}},
		{"short peer secret", 2, "has 6 bytes, at least 32", []string{"--peer-secret-file", short}},
		{"secret for all", 2, "--secret-file: secret: " + open + " is no secret: every user of this machine can read it", []string{"--secret-file", open}},
		{"peer secret for all", 2, "--peer-secret-file: " + open + " is no secret", []string{"--peer-secret-file", open}},
		{"key for all", 2, "--tls-key: " + open + " is no secret", []string{"--tls-key", open}},
		{"short secret", 2, "at least 32", []string{"--secret-file", short}},
		{"stranger", 2, "this one's (127.0.0.1:0) among them", []string{"--join", join, "--bootstrap-expect", "3", "--secret-file", busy.secretFile}},
		{"beyond loopback", 2, "say --insecure", []string{"--peer", "0.0.0.0:0"}},
		{"nowhere to reach it", 2, "say with --advertise", []string{"--peer", ":0", "--insecure", "--join", join, "--secret-file", busy.secretFile}},
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

// One node alone makes the secrets of a new folder for its owner's eyes, once. It makes none
// that was named, and no other token secret for a folder that has served.
func TestOwnSecrets(t *testing.T) {
	alone := newSettings()
	alone.Node.DataDir = filepath.Join(t.TempDir(), "data")
	log := slog.New(slog.DiscardHandler)
	if err := alone.check(); err != nil || isThere(alone.Node.DataDir) {
		t.Fatalf("checked: %v, or it made the folder", err)
	}
	load := func() (token []byte, peers [][]byte) {
		tokens, err := loadSecrets(alone)
		if err != nil || len(tokens) != 1 {
			t.Fatalf("%q, %v", tokens, err)
		}
		if peers, err = alone.loadPeerSecrets(log); err != nil || len(peers) != 1 {
			t.Fatalf("%q, %v", peers, err)
		}
		return tokens[0], peers
	}
	token, peers := load()
	again, peersAgain := load()
	if !bytes.Equal(token, again) || !bytes.Equal(peers[0], peersAgain[0]) || bytes.Equal(token, peers[0]) {
		t.Errorf("%q and %q, then %q and %q", token, peers, again, peersAgain)
	}
	files, err := os.ReadDir(alone.Node.DataDir)
	if err != nil || len(files) != 2 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}

	named := newSettings()
	named.Node.DataDir = filepath.Join(t.TempDir(), "data")
	named.SecretFile, named.PeerSecretFile = filepath.Join(t.TempDir(), "token"), filepath.Join(t.TempDir(), "peer")
	_, err = loadSecrets(named)
	_, wrong := named.loadPeerSecrets(log)
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(wrong, fs.ErrNotExist) || isThere(named.SecretFile) || isThere(named.PeerSecretFile) {
		t.Errorf("named and not there: %v, %v", err, wrong)
	}
	for _, says := range []string{"--secret-file", "--peer-secret-file"} {
		has(t, fmt.Sprint(named.check()), says, "no such file")
	}
}

// A folder that has served and lost its token secret gets no other one by itself, the peer
// secret does; one that was made of a backup has not served.
func TestSecretOfAnOldFolder(t *testing.T) {
	o := openOffice(t)
	backup := filepath.Join(t.TempDir(), "backup")
	o.sell(0, "snapshot", "save", backup)
	o.close()
	before := *o.server.settings
	for _, name := range []string{"token-secret", "peer-secret"} {
		if err := os.Remove(filepath.Join(o.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := startServer(&before, slog.New(slog.DiscardHandler)); !errors.Is(err, errSecretGone) || isThere(filepath.Join(o.dir, "token-secret")) {
		t.Errorf("started: %v", err)
	}
	command(t, 0, "secret", filepath.Join(o.dir, "token-secret"))
	command(t, 1, "secret", filepath.Join(o.dir, "token-secret"))
	v, err := startServer(&before, slog.New(slog.DiscardHandler))
	if err != nil || !isThere(filepath.Join(o.dir, "peer-secret")) {
		t.Fatalf("%v, or no peer secret was made", err)
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "restored")
	command(t, 0, "snapshot", "restore", backup, "--copy", "--data-dir", dir)
	openOffice(t, func(s *settings) { s.Node.DataDir = dir }).close()
}
