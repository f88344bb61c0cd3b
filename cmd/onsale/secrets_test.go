package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/api/auth"
	"onsale/api/challenge"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/auditlog"
	"onsale/proof/testenv"
)

// keyring is the files of secrets and revoked tokens of some processes that run.
type keyring struct {
	t                testing.TB
	secrets, revoked string
	processes        []*testNode
}

// put replaces a file as operators are told to, and waits until every process has logged words
// about it.
func (k *keyring) put(path, text, words string) {
	k.t.Helper()
	said := make([]int, len(k.processes))
	for i, p := range k.processes {
		said[i] = strings.Count(p.log(), words)
	}
	if err := errors.Join(os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path)); err != nil {
		k.t.Fatal(err)
	}
	for i, p := range k.processes {
		testenv.Eventually(k.t, time.Minute, p.id+" logs "+words, func() bool { return strings.Count(p.log(), words) > said[i] })
	}
}

// token is alice's or somebody else's, signed with a secret.
func (k *keyring) token(secret, user string) string {
	k.t.Helper()
	token, err := issue([]byte(secret), user, auth.RoleBuyer|auth.RoleOperator, time.Hour)
	if err != nil {
		k.t.Fatal(err)
	}
	return token
}

// get asks a process as whose token it is.
func (k *keyring) get(address, path, token string) (status int, body string) {
	k.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		k.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

// want asks every process for a user's orders.
func (k *keyring) want(step, token string, status int, says string) {
	k.t.Helper()
	for _, p := range k.processes {
		if got, body := k.get(p.http, "/v1/orders", token); got != status || !strings.Contains(body, says) {
			k.t.Errorf("%s, %s: %d %s, want %d %s", step, p.id, got, body, status, says)
		}
	}
}

// buying buys at every process until stop, with a challenge solved for each buy, and says what went
// wrong.
func (k *keyring) buying(token string) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	errs := make([]error, len(k.processes))
	for i, p := range k.processes {
		buyer, err := client.New(client.Config{Address: p.http, Token: token})
		if err != nil {
			k.t.Fatal(err)
		}
		all.Go(func() {
			for n := 0; ctx.Err() == nil && errs[i] == nil; n++ {
				_, err := buyer.Buy(ctx, client.Purchase{Sale: "gig", Quantity: 1, Key: fmt.Sprint(p.id, n), ChallengeBitsMax: challenge.DifficultyBitsMax})
				if err != nil && ctx.Err() == nil {
					errs[i] = fmt.Errorf("%s, buy %d: %w", p.id, n, err)
				}
			}
		})
	}
	return func() error { cancel(); all.Wait(); return errors.Join(errs...) }
}

// Secrets are rotated under load without an answer 401 and without a challenge that is solved for
// nothing, at a node and a front-end; what a removed one signed is refused; a file that does not do
// changes nothing, and is told by its line. Tokens are revoked by command.
func TestSecretsRotateUnderLoad(t *testing.T) {
	testenv.TakesLong(t, "a node and a front-end")
	t.Parallel()
	n := newNodes(t, 1)[0]
	front := newFrontEnds(t, 1, []*testNode{n})[0]
	k := &keyring{t: t, secrets: n.secretFile, revoked: filepath.Join(t.TempDir(), "revoked"), processes: []*testNode{n, front}}
	if err := os.WriteFile(k.revoked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	audit := func(p *testNode) string { return k.revoked + "." + p.id + ".audit" }
	for _, p := range k.processes {
		p.extra = append(p.extra, "--user-requests-per-second", "0", "--challenge-bits", "4", "--revoked-file", k.revoked, "--audit-log", audit(p))
		p.start()
		testenv.Eventually(t, time.Minute, p.id+" ready", p.ready)
	}
	openGig(t, n, 1_000_000)
	const read = "a file was read again"
	old, fresh := strings.Repeat("s", auth.SecretBytesMin), strings.Repeat("f", auth.SecretBytesMin)
	alice, bob := k.token(old, "alice"), k.token(fresh, "bob")
	k.want("before", alice, 200, "orders")
	k.want("before", bob, 401, "unauthorized")

	stop := k.buying(alice)
	underWay := make([]string, len(k.processes))
	for i, p := range k.processes {
		_, body := k.get(p.http, "/v1/challenge", alice)
		asked := into[contract.Challenge](t, body)
		var err error
		if underWay[i], err = challenge.Solve(context.Background(), asked.Challenge, asked.DifficultyBits); err != nil {
			t.Fatal(err)
		}
	}
	k.put(k.secrets, old+"\n"+fresh+"\n", read)
	k.want("both verify", bob, 200, "orders")
	stopBob := k.buying(bob)
	k.put(k.secrets, fresh+"\n"+old+"\n", read)
	k.want("the new one signs", alice, 200, "orders")
	for i, p := range k.processes {
		if status, body := solved(t, p.http, alice, underWay[i]); status >= http.StatusBadRequest { // she may have all that one may
			t.Errorf("%s: a challenge under way is answered %d %s", p.id, status, body)
		}
	}
	if err := errors.Join(stop(), stopBob()); err != nil {
		t.Errorf("a rotation is noticed: %v", err)
	}

	k.put(k.secrets, fresh+"\n", read)
	k.want("the old one is gone", alice, 401, "unauthorized")
	k.want("the old one is gone", bob, 200, "orders")
	for _, p := range k.processes {
		hasKids(t, audit(p), auth.KeyIDs([][]byte{[]byte(old), []byte(fresh)}))
	}

	k.put(k.secrets, fresh+"\n\ntoo short\n", "line 3")
	k.want("a bad file", bob, 200, "orders")
	has(t, command(t, 0, "cluster", "status", "--private", n.private, "--token", bob, "-o", "json"), `"token-files"`, "--secret-file", "line 3")
	k.put(k.secrets, fresh+"\n", read)
	if output := command(t, 0, "cluster", "status", "--private", n.private, "--token", bob, "-o", "json"); strings.Contains(output, `"token-files"`) {
		t.Errorf("the alarm stays: %s", output)
	}

	sue := k.token(fresh, "sue")
	k.want("not revoked", sue, 200, "orders")
	has(t, command(t, 0, "token", "revoke", "--user", "sue", "--revoked-file", k.revoked), "user sue before ")
	k.awaits("revoked", sue, "token-revoked")
	k.want("others", bob, 200, "orders")
	k.put(k.revoked, "user sue since yesterday\n", "line 1")
	k.want("a bad file", sue, 401, "token-revoked")
	k.put(k.revoked, "", read)
	k.want("taken out", sue, 200, "orders")
	front.stop()
	n.stop()
}

// awaits waits until every process answers a code.
func (k *keyring) awaits(step, token, code string) {
	k.t.Helper()
	for _, p := range k.processes {
		testenv.Eventually(k.t, time.Minute, step+" at "+p.id, func() bool {
			_, body := k.get(p.http, "/v1/orders", token)
			return strings.Contains(body, code)
		})
	}
}

// solved buys with an answer to a challenge.
func solved(t testing.TB, address, token, answer string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://"+address+"/v1/tickets?q=1&sale=gig", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set(contract.ChallengeHeader, answer)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// hasKids looks for the first line of the audit log about secrets that were read again.
func hasKids(t testing.TB, path string, kids []string) {
	t.Helper()
	line := hasLine(t, path, "reload", "secret-file", auditlog.Done)
	if line.From != "a change of the file" || fmt.Sprint(line.After["kids"]) != fmt.Sprint(kids) {
		t.Errorf("%+v, want the kids %v", line, kids)
	}
}

// What is wrong with a file is said by its line, before a process starts.
func TestTokenFilesAreChecked(t *testing.T) {
	file := func(text string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := strings.Repeat("s", auth.SecretBytesMin) + "\n"
	for _, kind := range [][]string{{"config", "validate"}, {"config", "validate", "frontend", "--cluster", "127.0.0.1:1", "--peer-secret-file", file(good)}} {
		validate := func(code int, args ...string) string {
			t.Helper()
			return command(t, code, append(append(kind, "--secret-file", file(good)), args...)...)
		}
		validate(0, "--revoked-file", file("user alice before 2026-12-01T20:00:00Z\n"), "--challenge-bits", "3", "--challenge-secret-file", file(good))
		has(t, validate(2, "--secret-file", file(good+good)), "--secret-file", "line 2 has the secret of line 1")
		has(t, validate(2, "--secret-file", file(good+"\nshort")), "--secret-file", "line 3 has 5 bytes")
		has(t, validate(2, "--revoked-file", file("# ok\nuser alice\n")), "--revoked-file", "line 2", "user NAME before TIME")
		has(t, validate(2, "--revoked-file", file("")+".not"), "--revoked-file", "no such file")
		has(t, validate(2, "--challenge-secret-file", file("short")), "--challenge-secret-file", "line 1 has 5 bytes")
	}
}

func TestRevokeByCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "revoked")
	revoke := func(code int, args ...string) string {
		t.Helper()
		return command(t, code, append([]string{"token", "revoke", "--revoked-file", path}, args...)...)
	}
	has(t, revoke(2), "--user or --id")
	has(t, revoke(2, "--user", "a", "--id", "b"), "--user or --id")
	has(t, revoke(2, "--user", "a", "--before", "noon"), "--before", "noon")
	has(t, revoke(2, "--id", "b", "--before", "2026-12-01T20:00:00Z"), "--before")
	has(t, revoke(2, "--user", "a\nb"), "control characters")
	has(t, command(t, 2, "token", "revoke", "--user", "a"), "--revoked-file")
	revoke(0, "--user", "alice", "--before", "2026-12-01T21:00:00+01:00")
	if err := os.WriteFile(path, []byte("user alice before 2026-12-01T20:00:00Z"), 0o600); err != nil { // an editor left no break
		t.Fatal(err)
	}
	revoke(0, "--id", "t 1")
	text, err := os.ReadFile(path)
	if want := "user alice before 2026-12-01T20:00:00Z\njti \"t 1\"\n"; err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.WriteFile(path, []byte("# mine\nalice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, revoke(2, "--user", "bob"), "line 2", "mend it first")
}
