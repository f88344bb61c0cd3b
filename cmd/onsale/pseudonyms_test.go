package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/pseudonym"
	"onsale/proof/testenv"
)

// zebedee is a buyer whose name is nowhere by chance.
const zebedee = "zebedee.zimmermann@unmistakable.example"

// pseudonymsFile makes a file with a key, as an operator does.
func pseudonymsFile(t testing.TB) (file string, keys *pseudonym.Keys) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "pseudonyms")
	command(t, 0, "secret", file)
	keys, err := pseudonym.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, keys
}

// filesWith returns the files below some folders that have a text anywhere in their bytes.
func filesWith(t *testing.T, text string, folders ...string) (found []string) {
	t.Helper()
	for _, folder := range folders {
		if err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if bytes.Contains(content, []byte(text)) {
				found = append(found, path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// listens opens a stream of an order's events, and returns the first.
func (n *testNode) listens(t *testing.T, user, order string) string {
	t.Helper()
	secret, err := readSecret(n.secretFile)
	if err != nil {
		t.Fatal(err)
	}
	token, err := issue(secret, user, auth.RoleBuyer, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.http+"/v1/orders/"+order+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text []byte
	for !bytes.Contains(text, []byte("data: ")) || text[len(text)-1] != '\n' {
		buffer := make([]byte, 4<<10)
		count, err := answer.Body.Read(buffer)
		if text = append(text, buffer[:count]...); err != nil {
			t.Fatalf("%v after %s", err, text)
		}
	}
	return string(text)
}

// lived is a buyer's whole life at every process of a shop whose processes have keys.
type lived struct {
	*shop
	t         *testing.T
	file      string // of the keys
	name      string // zebedee's pseudonym
	auditLogs []string
	paid      string // an order
}

// newLived starts the shop; every process logs all that it can, and has an audit log.
func newLived(t *testing.T) *lived {
	l := &lived{t: t}
	var keys *pseudonym.Keys
	l.file, keys = pseudonymsFile(t)
	l.name = string(keys.Of(keys.Newest(), []byte(zebedee)))
	l.shop = newShopWith(t, func(n *testNode) {
		audit := filepath.Join(t.TempDir(), n.id+".audit")
		l.auditLogs = append(l.auditLogs, audit)
		n.extra = append(n.extra, "--pseudonyms-file", l.file, "--log-level", "debug", "--audit-log", audit)
	})
	return l
}

// buys makes two orders under the cap of two, repeats the first at another process, and is refused a
// third; the second is cancelled.
func (l *lived) buys() {
	l.t.Helper()
	first := l.front.mustBuy(zebedee, "gig")
	again, err := l.nodes[1].buyAgain(zebedee, client.Purchase{Quantity: 1, Sale: "gig", Key: "key of " + zebedee})
	if err != nil || again.Order != first.Order {
		l.t.Errorf("repeated at another process: %+v, %v; the order is %s", again, err, first.Order)
	}
	second, err := l.nodes[2].buyAgain(zebedee, client.Purchase{Quantity: 1, Sale: "gig", Key: "another"})
	if err != nil || second.State != "reserved" {
		l.t.Fatalf("%+v, %v", second, err)
	}
	for _, door := range append(l.nodes, l.front) {
		if d, err := door.buyAgain(zebedee, client.Purchase{Quantity: 1, Sale: "gig"}); err != nil || d.Reason != "cap_exceeded" {
			l.t.Errorf("a third ticket at %s: %+v, %v", door.id, d, err)
		}
	}
	if _, err := l.front.buyer(zebedee).CancelOrder(context.Background(), second.Order); err != nil {
		l.t.Error(err)
	}
	l.paid = first.Order
}

// pays pays the first order, reads it in every way, and has it refunded.
func (l *lived) pays() {
	l.t.Helper()
	ctx := context.Background()
	if paid, err := l.front.buyer(zebedee).Pay(ctx, l.paid, "tok_accept"); err != nil || paid.Status != contract.PaymentAccepted {
		l.t.Fatalf("%+v, %v", paid, err)
	}
	for _, door := range append(l.nodes, l.front) {
		order, err := door.buyer(zebedee).Order(ctx, l.paid)
		if err != nil || order.UserID != l.name {
			l.t.Errorf("the order at %s: %+v, %v", door.id, order, err)
		}
		if page, err := door.buyer(zebedee).Orders(ctx, 10, ""); err != nil || len(page.Orders) != 2 || page.Orders[0].UID != l.paid {
			l.t.Errorf("the orders at %s: %+v, %v", door.id, page, err)
		}
		if _, err := door.buyer("somebody else").Order(ctx, l.paid); !errors.Is(err, contract.ErrUnknownOrder) {
			l.t.Errorf("somebody else at %s: %v", door.id, err)
		}
		if text := door.listens(l.t, zebedee, l.paid); !strings.Contains(text, l.name) {
			l.t.Errorf("a stream at %s: %s", door.id, text)
		}
	}
	l.sells()
}

// sells looks for the buyer by the name that buyers have for themselves, and by the one that orders
// show, and refunds the order; then somebody tries what is not allowed.
func (l *lived) sells() {
	l.t.Helper()
	n := l.nodes[0]
	as := []string{"--private", n.private, "--secret-file", n.secretFile}
	for _, of := range []string{zebedee, l.name} {
		found := command(l.t, 0, append([]string{"order", "find", "--sale", "gig", "--of", of, "-o", "csv"}, as...)...)
		if !strings.Contains(found, l.paid) || strings.Count(found, "\n") != 3 {
			l.t.Errorf("orders of %s:\n%s", of, found)
		}
	}
	if found := command(l.t, 0, append([]string{"order", "find", "--sale", "gig", "--of", "somebody else", "-o", "csv"}, as...)...); strings.Contains(found, l.paid) {
		l.t.Errorf("orders of somebody else: %s", found)
	}
	command(l.t, 0, append([]string{"order", "refund", l.paid}, as...)...)
	testenv.Eventually(l.t, time.Minute, "the refund", func() bool {
		order, err := l.front.buyer(zebedee).Order(context.Background(), l.paid)
		return err == nil && order.State == "refunded" && order.MoneyBack == contract.MoneyDone
	})
	secret, err := readSecret(n.secretFile)
	if err != nil {
		l.t.Fatal(err)
	}
	for user, roles := range map[string]auth.Roles{zebedee: auth.RoleBuyer, "mona": auth.RoleMonitor} {
		token, err := issue(secret, user, roles, time.Hour)
		if err != nil {
			l.t.Fatal(err)
		}
		if code, text := n.get("/v1/sales/gig/orders?user="+zebedee, token); code != http.StatusForbidden {
			l.t.Errorf("%s: %d %s", user, code, text)
		}
	}
	hasLine(l.t, l.auditLogs[0], "GET /v1/sales/{id}/orders", "gig?user="+l.name, "forbidden")
}

// newShopWith starts a shop all of whose processes are changed before they start.
func newShopWith(t *testing.T, change func(*testNode)) *shop {
	t.Helper()
	s := planShop(t)
	for _, n := range append(slices.Clone(s.nodes), s.front) {
		change(n)
	}
	s.open(t)
	return s
}

// Nothing that is written has a buyer's name: after a whole sale with a payment, a refund, a
// fail-over, a backup and a restore, all bytes of all data folders, of the backup, of the provider's
// books, of all logs and audit logs are looked through. That they have the pseudonym shows that the
// search would find a name. Without the key the journal is audited as with it.
func TestNamesAreWrittenNowhere(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	l := newLived(t)
	openSale(t, leaderAmong(t, l.nodes), contract.NewSale{ID: "gig", Item: "Gig", Quantity: 10, Price: new(int64(100)), Currency: "EUR", Waitlist: 5})
	l.buys()
	l.pays()
	leader := leaderAmong(t, l.nodes)
	logs := leader.log()
	leader.kill()
	leader.start()
	leaderAmong(t, l.nodes)
	for _, ticket := range []string{"after", "the fail-over"} {
		d, err := l.front.buyAgain(zebedee, client.Purchase{Quantity: 1, Sale: "gig", Key: ticket})
		if err != nil || d.State != "reserved" {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	mustBeSame(t, l.nodes)
	backup := filepath.Join(t.TempDir(), "backup")
	command(t, 0, "snapshot", "save", backup, "--private", leader.private, "--secret-file", leader.secretFile)
	for _, n := range append(slices.Clone(l.nodes), l.front) {
		n.stop()
		logs += n.log()
	}
	restored := newcomer(t, "r1", l.nodes)
	restored.join = nil
	command(t, 0, "snapshot", "restore", backup, "--successor", "--data-dir", restored.dir, "--node-id", "r1", "--peer", restored.peer)
	restored.extra = []string{"--pseudonyms-file", l.file, "--log-level", "debug"}
	restored.start()
	leaderAmong(t, []*testNode{restored})
	if d, err := restored.buyAgain(zebedee, client.Purchase{Quantity: 1, Sale: "gig"}); err != nil || d.Reason != "cap_exceeded" {
		t.Errorf("a third ticket after the restore: %+v, %v", d, err)
	}
	restored.stop()
	logs += restored.log()

	folders := append([]string{backup, l.books, restored.dir}, l.auditLogs...)
	for _, n := range l.nodes {
		folders = append(folders, n.dir)
	}
	if found := filesWith(t, zebedee, folders...); len(found) > 0 || strings.Contains(logs, zebedee) {
		t.Errorf("the name is in %q (in a log: %t)", found, strings.Contains(logs, zebedee))
	}
	pseudonymous := filesWith(t, l.name, folders...)
	for _, part := range []string{backup, "/journal/", "/raft-log/", l.auditLogs[0], "snapshot"} {
		if !slices.ContainsFunc(pseudonymous, func(path string) bool { return strings.Contains(path, part) }) {
			t.Errorf("not even the pseudonym is in %s: it is in %q", part, pseudonymous)
		}
	}
	if err := os.Remove(l.file); err != nil {
		t.Fatal(err)
	}
	for _, n := range l.nodes {
		mustAudit(t, n)
	}
}

// mixture is a cluster one of whose nodes has another key of pseudonyms than the others, with
// front-ends that have each of them, and none.
type mixture struct {
	t                  *testing.T
	nodes              []*testNode // n1 and n2 have the first key, n3 the second
	same, other, clear *testNode   // front-ends
}

func newMixture(t *testing.T, first, second string) *mixture {
	m := &mixture{t: t, nodes: newNodes(t, 3)}
	fronts := newFrontEnds(t, 3, m.nodes)
	m.same, m.other, m.clear = fronts[0], fronts[1], fronts[2]
	for _, n := range append(m.nodes, m.same) {
		n.extra = []string{"--pseudonyms-file", first}
	}
	m.nodes[2].extra, m.other.extra = []string{"--pseudonyms-file", second}, []string{"--pseudonyms-file", second}
	for _, n := range append(m.nodes, fronts...) {
		n.extra = append(n.extra, "--user-requests-per-second", "0")
		n.start()
	}
	leaderAmong(t, m.nodes)
	for _, f := range []*testNode{m.same, m.other} {
		testenv.Eventually(t, time.Minute, f.id+" is ready", f.ready)
	}
	return m
}

// takes buys one ticket each at some processes, and is told at all of them that it has its cap after
// the first two.
func (m *mixture) takes(user, sale string, doors ...*testNode) {
	m.t.Helper()
	for i := range 2 + len(doors) {
		door := doors[i%len(doors)]
		d, err := door.buyAgain(user, client.Purchase{Quantity: 1, Sale: sale})
		if want := i >= 2; err != nil || (d.Reason == "cap_exceeded") != want || (d.State == "reserved") == want {
			m.t.Errorf("ticket %d of %s at %s: %+v, %v", i+1, sale, door.id, d, err)
		}
	}
}

// refuses tries to buy at processes that do not have a sale's key.
func (m *mixture) refuses(user, sale string, doors ...*testNode) {
	m.t.Helper()
	for _, door := range doors {
		if d, err := door.buyAgain(user, client.Purchase{Quantity: 1, Sale: sale}); !errors.Is(err, contract.ErrPseudonymKey) {
			m.t.Errorf("%s at %s: %+v, %v", sale, door.id, d, err)
		}
	}
}

// Nobody gets a cap twice by being known under two keys, whoever leads: a process without the key of
// a sale refuses its buys, one without any is let in nowhere where nodes have some, and the alarm says
// who differs. A key is changed between two sales by giving all processes both: no order is lost to
// its buyer meanwhile, and each sale stays under its own.
func TestKeysOfPseudonymsDiffer(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	first, keys := pseudonymsFile(t)
	second, _ := pseudonymsFile(t)
	m := newMixture(t, first, second)
	openSale(t, m.nodes[0], contract.NewSale{ID: "early", Item: "Gig", Quantity: 100, Price: new(int64(0)), Currency: "EUR"})
	mustBeSame(t, m.nodes)
	m.takes(zebedee, "early", m.nodes[0], m.same, m.nodes[1])
	m.refuses(zebedee, "early", m.nodes[2], m.other)
	testenv.Eventually(t, time.Minute, "the front-end without a key says why it is not let in", func() bool {
		return strings.Contains(m.clear.log(), "has no key of pseudonyms") && strings.Contains(m.clear.readyz(), "has no key of pseudonyms")
	})
	if m.clear.ready() {
		t.Error("a front-end without a key was let in")
	}
	testenv.Eventually(t, time.Minute, "the alarm", func() bool { _, is := m.nodes[0].alarm("pseudonym-keys"); return is })
	m.nodes[0].manages("transfer", "n3")
	testenv.Eventually(t, time.Minute, "n3 leads", func() bool { return leaderAmong(t, m.nodes) == m.nodes[2] })
	m.takes("yvonne", "early", m.same, m.nodes[0], m.nodes[1])
	m.refuses("yvonne", "early", m.nodes[2], m.other)

	m.changesTo(first, second)
	openSale(t, m.nodes[2], contract.NewSale{ID: "late", Item: "Gig", Quantity: 100, Price: new(int64(0)), Currency: "EUR"})
	mustBeSame(t, m.nodes)
	all := []*testNode{m.nodes[0], m.nodes[1], m.nodes[2], m.same, m.other, m.clear}
	m.takes(zebedee, "late", all...)
	m.takes("xaver", "early", all...)
	for _, door := range all {
		page, err := door.buyer(zebedee).Orders(context.Background(), 10, "")
		if err != nil || len(page.Orders) != 4 || page.Orders[0].Sale != "early" || page.Orders[3].Sale != "late" || page.Orders[0].UserID == page.Orders[3].UserID {
			t.Errorf("the orders at %s: %+v, %v", door.id, page, err)
		}
	}
	if is := into[contract.SaleDetail](t, command(t, 0, "sale", "show", "early", "--private", m.nodes[1].private, "--secret-file", m.nodes[1].secretFile, "-o", "json")); is.PseudonymKey != keys.Newest().String() {
		t.Errorf("the early sale is under %q", is.PseudonymKey)
	}
	testenv.Eventually(t, time.Minute, "the end of the alarm", func() bool { _, is := m.nodes[0].alarm("pseudonym-keys"); return !is })
}

// changesTo gives all processes both keys, the second first, one process after the other.
func (m *mixture) changesTo(first, second string) {
	m.t.Helper()
	both := filepath.Join(m.t.TempDir(), "both")
	var content []byte
	for _, file := range []string{second, first} {
		text, err := os.ReadFile(file)
		if err != nil {
			m.t.Fatal(err)
		}
		content = append(content, text...)
	}
	if err := os.WriteFile(both, content, 0o600); err != nil {
		m.t.Fatal(err)
	}
	for _, n := range []*testNode{m.same, m.other, m.clear, m.nodes[0], m.nodes[1], m.nodes[2]} {
		n.stop()
		n.extra = append(n.extra, "--pseudonyms-file", both)
		n.start()
		testenv.Eventually(m.t, time.Minute, n.id+" is ready", n.ready)
	}
}

// A file of keys is looked at before anything starts, and the command that prints names needs one.
func TestPseudonymsByCommand(t *testing.T) {
	file, keys := pseudonymsFile(t)
	n := newNodes(t, 1)[0]
	for _, c := range [][]string{
		{"config", "validate", "--data-dir", n.dir, "--pseudonyms-file", file},
		{"config", "validate", "frontend", "--cluster", "127.0.0.1:1", "--secret-file", n.secretFile, "--peer-secret-file", n.peerSecretFile, "--pseudonyms-file", file},
	} {
		has(t, command(t, 0, c...), "ok")
		short := filepath.Join(t.TempDir(), "short")
		if err := os.WriteFile(short, []byte("short\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c[len(c)-1] = short
		has(t, command(t, 2, c...), "--pseudonyms-file", "key 1 has 5 bytes, at least 32 are needed")
		if err := os.Chmod(short, 0o644); err != nil {
			t.Fatal(err)
		}
		has(t, command(t, 2, c...), "--pseudonyms-file", "every user of this machine can read it")
	}
	want := fmt.Sprintf("user,key,pseudonym\n%s,%v,%s\n", zebedee, keys.Newest(), keys.Of(keys.Newest(), []byte(zebedee)))
	if text := command(t, 0, "pseudonym", zebedee, "--pseudonyms-file", file, "-o", "csv"); text != want {
		t.Errorf("%s want %s", text, want)
	}
	has(t, command(t, 2, "pseudonym", zebedee), "--pseudonyms-file")
}
