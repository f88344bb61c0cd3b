package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/bench"
	"onsale/proof/testenv"
	"onsale/wal"
)

// office is a server in this process and the command lines that reach it.
type office struct {
	t      testing.TB
	server *server
	dir    string
}

// openOffice starts a server on free ports; the settings may be changed before.
func openOffice(t testing.TB, changes ...func(*settings)) *office {
	return openOfficeOn(wal.OS{}, t, changes...)
}

// openOfficeOn does the same on a disk of the test's.
func openOfficeOn(files wal.Files, t testing.TB, changes ...func(*settings)) *office {
	s := newSettings()
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	s.Node.DataDir = filepath.Join(t.TempDir(), "data")
	s.HTTP, s.Private, s.Node.RaftAddress = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	for _, change := range changes {
		change(s)
	}
	v, err := startServerOn(files, s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := v.waitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return &office{t, v, s.Node.DataDir}
}

func (o *office) close() {
	if err := o.server.close(); err != nil {
		o.t.Fatal(err)
	}
}

// sell runs a seller's or operator's command line, buy a buyer's; both return
// what was printed.
func (o *office) sell(code int, args ...string) string {
	return command(o.t, code, append(args, "--private", o.server.privateListener.Addr().String(), "--secret-file", filepath.Join(o.dir, "token-secret"))...)
}

func (o *office) buy(code int, user string, args ...string) string {
	return command(o.t, code, append(args, "--user", user, "--http", o.server.publicListener.Addr().String(), "--secret-file", filepath.Join(o.dir, "token-secret"))...)
}

// command runs a command line and checks its exit code.
func command(t testing.TB, code int, args ...string) string {
	t.Helper()
	got, text := attempt(args...)
	if got != code {
		t.Fatalf("onsale %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, text)
	}
	if code != 0 && !strings.Contains(text, "onsale: ") {
		t.Errorf("onsale %s failed without a word", strings.Join(args, " "))
	}
	return text
}

// attempt runs a command line and returns its exit code and what it printed, the
// data before the messages.
func attempt(args ...string) (code int, text string) {
	var out, failure bytes.Buffer
	code = run(context.Background(), args, &out, &failure)
	return code, out.String() + failure.String()
}

// into reads what a command printed with -o json.
func into[T any](t testing.TB, text string) (value T) {
	t.Helper()
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func has(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in\n%s", w, text)
		}
	}
}

// A sale's life from the command line.
func TestSaleByCommand(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	has(t, o.sell(2, "sale", "create"), "accepts 1 arg")
	has(t, o.sell(1, "sale", "create", "gig", "--price", "0", "--quantity", "0"), "quantity is 0")
	made := into[contract.SaleDetail](t, o.sell(0, "sale", "create", "gig", "--item", "Gig", "--quantity", "4", "--price", "500", "--waitlist", "1", "-o", "json"))
	if made.ID != "gig" || made.Available != 4 || made.Cap != 2 || made.Status != "open" || time.Duration(made.Hold) != time.Hour {
		t.Fatalf("%+v", made)
	}
	has(t, o.sell(1, "sale", "create", "gig", "--price", "0", "--quantity", "4"), "sale-exists")
	has(t, o.sell(0, "sale", "update", "gig", "--quantity", "3"), "quantity", "3")
	has(t, o.sell(1, "sale", "update", "gig", "--cap", "1"), "start")
	has(t, o.sell(0, "sale", "update", "gig", "--price", "490000"), "4,900.00")
	has(t, o.sell(1, "sale", "create", "other", "--quantity", "4"), "price is missing")
	has(t, o.sell(1, "sale", "create", "other", "--price", "1", "--quantity", "4", "--starts-at", "2025-12-01T10:00:00Z"), "starts_at is in the past")
	has(t, o.sell(0, "sale", "update", "gig", "--price", "500"), "5.00")
	has(t, o.sell(0, "sale", "list", "-o", "csv"), "id,status,quantity,sold,held,available,waiting,starts_at\ngig,open,3,0,0,3,0,")
	o.sell(0, "sale", "pause", "gig")
	has(t, o.buy(3, "ann", "buy"), "paused")
	o.sell(0, "sale", "resume", "gig")

	first := into[contract.Decision](t, o.buy(0, "ann", "buy", "-q", "2", "-o", "json"))
	has(t, o.buy(3, "ann", "buy"), "cap_exceeded")
	has(t, o.buy(0, "bob", "buy", "--key", "k"), "reserved")
	has(t, o.buy(0, "bob", "buy", "--key", "k"), "reserved")
	has(t, o.buy(1, "bob", "buy", "--key", "k", "-q", "2"), "key")
	has(t, o.buy(0, "cid", "buy", "--sale", "gig"), "waitlisted", "position")
	has(t, o.buy(3, "dan", "buy"), "sold_out")
	has(t, o.buy(1, "dan", "buy", "--sale", "none"), "none")
	o.sell(0, "sale", "create", "last", "--price", "0", "--quantity", "1")
	has(t, o.buy(3, "dan", "buy", "--sale", "last", "-q", "2"), "available_quantity", "not_enough: 1 left; --min 1")
	has(t, o.buy(0, "dan", "buy", "--sale", "last", "-q", "2", "--min", "1"), "reserved")

	has(t, o.buy(0, "ann", "order", "get", first.Order), "ann", "reserved")
	has(t, o.buy(1, "bob", "order", "get", first.Order), "unknown-order")
	has(t, o.buy(0, "ann", "order", "cancel", first.Order), "cancelled")
	if orders := into[[]contract.Order](t, o.buy(0, "cid", "order", "list", "-o", "json")); len(orders) != 1 || orders[0].State != "reserved" {
		t.Errorf("who waited has %+v", orders)
	}
	report := into[contract.Report](t, o.sell(0, "sale", "report", "gig", "-o", "json"))
	if report.Tickets.Held != 2 || report.Requests.ByReason["sold_out"] != 1 || report.Requests.Replayed != 1 {
		t.Errorf("%+v", report)
	}
	has(t, o.sell(0, "sale", "report", "gig"), "refused.sold_out")
	has(t, o.sell(2, "sale", "cancel", "gig"), "--yes")
	has(t, o.sell(0, "sale", "close", "gig"), "closed")
	has(t, o.buy(3, "eve", "buy", "--sale", "gig"), "closed")
	has(t, o.sell(0, "sale", "cancel", "gig", "--yes"), "cancelled")
	has(t, o.sell(0, "sale", "show", "gig"), "cancelled", "buys.sold_out")
}

// What a node's files say, while it runs and afterwards.
func TestAuditAndInspectByCommand(t *testing.T) {
	o := openOffice(t)
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "2")
	for _, user := range []string{"ann", "bob", "cid"} {
		o.buy(map[bool]int{true: 3, false: 0}[user == "cid"], user, "buy")
	}
	journal, log := filepath.Join(o.dir, "journal"), filepath.Join(o.dir, "raft-log")
	has(t, command(t, 0, "audit", journal), "clean")
	nodes := o.server.privateListener.Addr().String()
	has(t, command(t, 0, "cluster", "status", "--private", nodes, "--secret-file", filepath.Join(o.dir, "token-secret")), "leader", "state_hash")
	if err := o.server.node.Snapshot(); err != nil {
		t.Fatal(err)
	}
	o.close()

	has(t, command(t, 0, "inspect", "wal", log, "-o", "csv"), "index,term,type,bytes,commands", "LogCommand")
	has(t, command(t, 0, "inspect", "journal", journal), "buy sold_out", "sale_create ok")
	has(t, command(t, 0, "inspect", "journal", journal, "--seq", "4"), `"user": "bob"`, `"state": "reserved"`)
	has(t, command(t, 1, "inspect", "journal", journal, "--seq", "99"), "no decision has seq 99")
	states, err := filepath.Glob(filepath.Join(o.dir, "snapshots", "*", "state.bin"))
	if err != nil || len(states) != 1 {
		t.Fatalf("snapshots %v, %v", states, err)
	}
	has(t, command(t, 0, "inspect", "snapshot", states[0]), "orders", "2")
	damage(t, states[0])
	has(t, command(t, 1, "inspect", "snapshot", states[0]), "corrupt")
	segments, err := filepath.Glob(filepath.Join(journal, "0*"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	damage(t, segments[0])
	has(t, command(t, 6, "audit", journal), "damage")
	command(t, 1, "audit", t.TempDir())
}

// damage flips a bit in the middle of a file.
func damage(t testing.TB, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 8
	if err := os.WriteFile(path, data, 0o640); err != nil {
		t.Fatal(err)
	}
}

// A sale refuses before its instant and sells at it; a hold that ends gives its
// ticket to the next, with no request in between.
func TestTimesByCommand(t *testing.T) {
	testenv.TakesLong(t, "it waits for a start and for the end of a hold")
	t.Parallel()
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "later", "--price", "0", "--quantity", "1", "--starts-at", "4s", "--hold", "5s")
	started := time.Now()
	has(t, o.buy(3, "ann", "buy"), "not_started", "starts_at")
	time.Sleep(time.Until(started.Add(4 * time.Second)))
	has(t, o.buy(0, "ann", "buy"), "reserved")
	has(t, o.buy(3, "bob", "buy"), "sold_out")
	before := o.server.node.AppliedSeq()
	testenv.Eventually(t, time.Minute, "the hold ended", func() bool {
		view, _ := o.server.node.SaleByID("later")
		return view.Available == 1
	})
	if o.server.node.AppliedSeq() != before {
		t.Error("a request came in between")
	}
	has(t, o.buy(0, "ann", "order", "list"), "expired")
	has(t, o.buy(0, "bob", "buy"), "reserved")
}

func TestOtherCommands(t *testing.T) {
	has(t, command(t, 0, "version"), "onsale devel (commit ", "go1.")
	if line := command(t, 0, "--version"); line != command(t, 0, "version") {
		t.Errorf("--version prints %q", line)
	}
	if b := into[build](t, command(t, 0, "version", "-o", "json")); b != thisBuild() || b.Release != "devel" {
		t.Errorf("%+v", b)
	}
	has(t, command(t, 0, "config", "validate"), "ok")
	has(t, command(t, 2, "config", "validate", "--in-flight-max", "0"), "InFlightMax is 0")
	file := filepath.Join(t.TempDir(), "onsale.toml")
	if err := os.WriteFile(file, []byte("node-id = \"from-file\"\nhttp = \"file:1\"\nprivate = \"file:2\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ONSALE_PRIVATE", "env:2")
	t.Setenv("ONSALE_HTTP", "env:1")
	has(t, command(t, 0, "config", "print", "-o", "csv", "--config", file, "--http", "flag:1"), "")
	printed := command(t, 0, "config", "print", "--config", file, "--http", "flag:1")
	has(t, printed, "from-file", "env:2", "flag:1")
	for _, absent := range []string{"file:1", "file:2", "env:1"} {
		if strings.Contains(printed, absent) {
			t.Errorf("%s won in\n%s", absent, printed)
		}
	}
	if err := os.WriteFile(file, []byte("nodeid = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, command(t, 2, "config", "print", "--config", file), `unknown setting "nodeid"`)
	has(t, command(t, 2, "sale", "list", "-o", "xml"), "xml")
	has(t, command(t, 2, "sale"), "needs one of its commands")
	has(t, command(t, 1, "token", "--user", "x", "--secret-file", "/nonexistent"), "no such file")
	has(t, command(t, 2, "token", "--user", "x", "--role", "king", "--secret-file", secretFor(t)), "king")
	has(t, command(t, 2, "buy"), "--user")
	has(t, command(t, 2, "bench", "sale", "--nodes", "0"), "0 nodes")
}

func secretFor(t testing.TB) string { return newNodes(t, 1)[0].secretFile }

// A small sale on one and on three nodes of real processes, books checked.
func TestBenchSale(t *testing.T) {
	testenv.TakesLong(t, "measures processes")
	for _, nodes := range []string{"1", "3"} {
		t.Setenv(runAsOnsale, "1")
		r := into[bench.Report](t, command(t, 0, "bench", "sale", "--buyers", "3000", "--tickets", "500", "--connections", "32", "--nodes", nodes, "-o", "json"))
		if r.Held != 500 || r.Available != 0 || len(r.Audits) != len(r.Replicas) || len(r.Audits) == 0 {
			t.Fatalf("%+v", r)
		}
		if all := r.Selling.Requests + r.SoldOut.Requests; all != 3000 {
			t.Fatalf("%d answers", all)
		}
		for _, a := range r.Audits {
			if a.Verdict != "clean" || a.Requests != 3002 { // the birth and the sale besides
				t.Fatalf("%+v", a)
			}
		}
	}
}
