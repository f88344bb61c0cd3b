package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/internal/failpoint"
	"onsale/payment"
	"onsale/payment/sandbox"
	"onsale/proof/testenv"
)

var failpointsFlag = flag.String("failpoints", "all", "failpoints at which processes die")

// dying is a shop whose nodes can be told where to die.
type dying struct {
	*shop
	t      *testing.T
	paying sync.WaitGroup
	stop   chan struct{}
}

func newDying(t *testing.T) *dying {
	program, dir := buildProgram(t, "-tags", "failpoints"), t.TempDir()
	s := newShopOf(t, func(n *testNode) {
		n.program, n.environment = program, []string{failpoint.Variable + "=" + filepath.Join(dir, n.id)}
		n.extra = append(n.extra, "--snapshot-entries", "200", "--stable-time", "500ms", "--pay-wait", "2s")
	})
	d := &dying{shop: s, t: t, stop: make(chan struct{})}
	openGig(t, leaderAmong(t, s.nodes), 1<<24)
	openFree(t, leaderAmong(t, s.nodes), 1<<24)
	for i := range 4 {
		d.paying.Go(func() { d.pay(i) })
	}
	return d
}

// pay buys and pays with every kind of outcome, so that all of the protocol is passed; every
// sixth order costs nothing.
// What comes of it is held against the provider's books at the end.
func (d *dying) pay(number int) {
	methods := []string{"tok_accept", "tok_decline", "tok_lost", "tok_late_50ms", "tok_never", "tok_3ds", "tok_3ds_passes_100ms", ""}
	for i := 0; ; i++ {
		select {
		case <-d.stop:
			return
		default:
		}
		user, method, sale := fmt.Sprintf("payer-%d-%d", number, i), methods[i%len(methods)], "gig"
		if method == "" {
			sale = "day"
		}
		door := d.nodes[i%len(d.nodes)]
		if bought, err := door.buyer(user).Buy(d.t.Context(), client.Purchase{Quantity: 1, Sale: sale, Key: "key of " + user}); err == nil && bought.Order != "" {
			paid, err := door.buyer(user).Pay(d.t.Context(), bought.Order, method) // the books say what came of it
			if err == nil && paid.NextAction != nil && method == "tok_3ds" {
				_, _ = door.buyer(user).Pay(d.t.Context(), bought.Order, "tok_accept") // another card
			}
		}
	}
}

func (d *dying) arm(n *testNode, name failpoint.Name) {
	if err := os.WriteFile(strings.TrimPrefix(n.environment[0], failpoint.Variable+"="), []byte(failpoint.Crash(name, 1)), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dying) disarm(n *testNode) {
	_ = os.Remove(strings.TrimPrefix(n.environment[0], failpoint.Variable+"=")) // it is gone when it has struck
}

// died reports whether a node has died at a place.
func died(n *testNode, name failpoint.Name) bool {
	return strings.Contains(n.log(), "failpoint "+string(name)+": crash")
}

// provoke does what lets a process come by a place, beside the load; again and again
// until it is dead.
func (d *dying) provoke(n *testNode, name failpoint.Name) {
	others := []*testNode{}
	for _, other := range d.nodes {
		if other != n {
			others = append(others, other)
		}
	}
	switch name {
	case failpoint.SnapshotFreeze, failpoint.JournalSyncBefore, failpoint.JournalSyncAfter, failpoint.SnapshotWriteBefore, failpoint.SnapshotWritten, failpoint.SnapshotClosing, failpoint.SnapshotClosed,
		failpoint.RenameBefore, failpoint.RenameAfter, failpoint.SyncBefore, failpoint.SyncAfter, failpoint.LogTruncateBefore, failpoint.LogTruncateAfter:
		attempt("snapshot", "save", filepath.Join(d.t.TempDir(), "backup"), "--private", n.private, "--secret-file", n.secretFile)
	case failpoint.RestoreBefore, failpoint.RestoreJournal, failpoint.RestoreAfter:
		attempt("snapshot", "save", filepath.Join(d.t.TempDir(), "backup"), "--private", n.private, "--secret-file", n.secretFile)
		n.kill()
		n.start()
		d.upOrDead(n, name)
	case failpoint.VoteBefore, failpoint.VoteAfter, failpoint.TakeOffice:
		leader, next := leaderAmong(d.t, d.nodes), n
		if leader == n { // it was elected before it knew that it was to die
			next = others[0]
		}
		attempt("cluster", "transfer", next.id, "--private", leader.private, "--secret-file", leader.secretFile)
	case failpoint.PaymentVoided:
		user := fmt.Sprint("refunded-", time.Now().UnixNano())
		bought, err := n.buyer(user).Buy(d.t.Context(), client.Purchase{Quantity: 1, Sale: "gig", Key: user})
		if err == nil {
			_, _ = n.buyer(user).Pay(d.t.Context(), bought.Order, "tok_accept") // not paid is not refunded
			attempt("order", "refund", bought.Order, "--private", n.private, "--secret-file", n.secretFile)
		}
	case failpoint.JoinAdopt:
		n.kill()
		attempt("cluster", "repair", "--data-dir", n.dir, "--node-id", n.id, "--private", others[0].private, "--secret-file", n.secretFile, "--yes")
		n.start()
		d.upOrDead(n, name)
	case failpoint.JoinAdmit:
		others[0].kill()
		attempt("cluster", "repair", "--data-dir", others[0].dir, "--node-id", others[0].id, "--private", n.private, "--secret-file", n.secretFile, "--yes")
		others[0].start()
		d.upOrDead(n, name)
		time.Sleep(200 * time.Millisecond)
	}
}

// upOrDead waits until a process that was started is ready, or has died at a place.
func (d *dying) upOrDead(n *testNode, name failpoint.Name) {
	testenv.Eventually(d.t, time.Minute, "a node that is ready, or has died", func() bool { return died(n, name) || n.ready() })
}

// places returns at which kind of node a failpoint is: only a leader proposes, admits,
// answers and takes payments; only a follower sends what it is asked on, is elected, or
// begins anew.
func places(name failpoint.Name) (leader, follower bool) {
	switch name {
	case failpoint.ForwardSend, failpoint.PaymentAsked, failpoint.PaymentAnswered:
		return false, true
	case failpoint.ProposeBefore, failpoint.AnswerBefore, failpoint.AnswerAfter, failpoint.ForwardReceive, failpoint.ForwardAnswer, failpoint.JoinAdmit:
		return true, false
	case failpoint.VoteBefore, failpoint.VoteAfter, failpoint.TakeOffice, failpoint.JoinAdopt, failpoint.RestoreBefore, failpoint.RestoreJournal, failpoint.RestoreAfter:
		return false, true
	}
	if strings.HasPrefix(string(name), string(failpoint.Payment)) {
		return true, false
	}
	return true, true
}

// Every step of the payment protocol is a place to die at, and its name is known.
func TestEveryStepIsAFailpoint(t *testing.T) {
	var steps []failpoint.Name
	for _, step := range payment.Steps() {
		steps = append(steps, failpoint.Payment+failpoint.Name(step))
	}
	for _, step := range sandbox.Steps() {
		steps = append(steps, failpoint.Provider+failpoint.Name(step))
	}
	known := map[failpoint.Name]bool{}
	for _, name := range failpoint.Names() {
		if known[name] {
			t.Errorf("%s is there twice", name)
		}
		known[name] = true
	}
	for _, step := range steps {
		if !known[step] {
			t.Errorf("%s is not known", step)
		}
	}
}

// The leader and a follower die at every failpoint under load, and come back. What was
// told is there, all replicas are the same, the audits and the provider's books are
// clean.
func TestCrashAtEveryFailpoint(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	d := newDying(t)
	c := gather(d.nodes, 8)
	for _, name := range failpoint.NodeNames() {
		if *failpointsFlag != "all" && !strings.Contains(","+*failpointsFlag+",", ","+string(name)+",") {
			continue
		}
		leader, follower := places(name)
		for kind, wanted := range map[bool]bool{true: leader, false: follower} {
			if wanted {
				d.crash(name, kind)
			}
		}
	}
	told := c.disperse(t)
	close(d.stop)
	d.paying.Wait()
	mustHold(t, leaderAmong(t, d.nodes), told)
	testenv.Eventually(t, time.Minute, "clean books", func() bool {
		code, _ := attempt("payments", "reconcile", "--private", leaderAmong(t, d.nodes).private, "--secret-file", d.nodes[0].secretFile)
		return code == 0
	})
	mustBeSame(t, d.nodes)
	for _, n := range d.nodes {
		n.stop()
		mustAudit(t, n)
	}
}

// crash lets the leader or a follower die at a place, and starts it again.
func (d *dying) crash(name failpoint.Name, leads bool) {
	n := leaderAmong(d.t, d.nodes)
	if !leads {
		for _, other := range d.nodes {
			if other != n {
				n = other
				break
			}
		}
	}
	d.arm(n, name)
	for deadline := time.Now().Add(2 * time.Minute); !died(n, name); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("%s, leader %v: %s never came by %s\n%s", n.id, leads, n.id, name, n.log())
		}
		d.provoke(n, name)
	}
	n.ended()
	d.disarm(n)
	d.t.Logf("%s died at %s (leader: %v)", n.id, name, leads)
	for _, other := range d.nodes {
		if !other.isRunning() {
			other.start()
		}
	}
	leaderAmong(d.t, d.nodes)
	testenv.Eventually(d.t, time.Minute, "all nodes again", func() bool {
		for _, other := range d.nodes {
			if !other.ready() {
				return false
			}
		}
		return true
	})
}
