package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"onsale/cluster/membership"
	"onsale/internal/procs"
	"onsale/proof/testenv"
	"onsale/raftfsm"
	"onsale/sequencer"
)

// ownMounts is set in the process that has mounts of its own.
const ownMounts = "RUN_WITH_OWN_MOUNTS"

// withOwnMounts runs the test again where it may mount file systems, and reports whether
// this is that run.
func withOwnMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(ownMounts) != "" {
		return true
	}
	own := []string{"--mount"}
	if os.Geteuid() != 0 { // who is not root is it among names of its own
		own = append(own, "--user", "--map-root-user")
	}
	testenv.NeedsNamespaces(t, own...)
	again := exec.Command("unshare", append(own, os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "8m")...)
	again.Env = append(os.Environ(), ownMounts+"=1")
	again.SysProcAttr = procs.EndWithParent(nil)
	if output, err := again.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, output)
	}
	return false
}

// smallDisk is a file system of its own under a node's data folder. Its size is less than
// the first segments of both logs, so that the journal's is not laid out in full, and a
// write fails as soon as the disk is full.
type smallDisk struct{ n *testNode }

const (
	smallDiskKiB    = 26 << 10
	smallReserveKiB = 4 << 10
)

func onSmallDisk(t *testing.T, n *testNode) smallDisk {
	t.Helper()
	mount := filepath.Dir(n.dir)
	mustRun(t, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dk", smallDiskKiB), "tmpfs", mount)
	t.Cleanup(func() { n.kill(); mustRun(t, "umount", "--lazy", mount) })
	n.extra = append(n.extra, "--disk-reserve-bytes", fmt.Sprint(smallReserveKiB<<10))
	return smallDisk{n}
}

func (d smallDisk) filler() string { return filepath.Join(filepath.Dir(d.n.dir), "filler") }

func (d smallDisk) freeKiB(t *testing.T) int {
	var is unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(d.n.dir), &is); err != nil {
		t.Fatal(err)
	}
	return int(is.Bavail * uint64(is.Bsize) >> 10)
}

// fill leaves so much of the disk free.
func (d smallDisk) fill(t *testing.T, leaveKiB int) {
	t.Helper()
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4<<10)
	for d.freeKiB(t) > leaveKiB {
		if _, err := f.Write(block); err != nil {
			if errors.Is(err, unix.ENOSPC) {
				return
			}
			t.Fatal(err)
		}
	}
}

func (d smallDisk) empty(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
}

// untilBuys waits until a buy comes to what is expected: nil or an error.
func (n *testNode) untilBuys(what string, expected error) {
	n.t.Helper()
	attempt := 0
	testenv.Eventually(n.t, time.Minute, what, func() bool {
		attempt++
		err := n.tries(fmt.Sprint(what, " ", attempt))
		return expected == nil && err == nil || expected != nil && errors.Is(err, expected)
	})
}

// alarms are those that a node tells of its cluster.
func (n *testNode) alarms() (names []string) {
	raw, err := n.seller().Cluster(context.Background())
	if err != nil {
		return nil
	}
	status := new(membership.ClusterStatus)
	if err := json.Unmarshal(raw, status); err != nil {
		n.t.Fatal(err)
	}
	for _, a := range status.Health.Alarms {
		if a.Since.IsZero() || a.Detail == "" || a.Action == "" || status.Health.Healthy && a.Severity != membership.SeverityInfo {
			n.t.Errorf("alarm %+v, healthy %t", a, status.Health.Healthy)
		}
		names = append(names, strings.TrimSpace(a.Name+" "+a.Member))
	}
	return names
}

func (n *testNode) untilAlarms(want ...string) {
	n.t.Helper()
	var got []string
	testenv.Eventually(n.t, time.Minute, fmt.Sprintf("the alarms %q", want), func() bool {
		got = n.alarms()
		return slices.Equal(got, want)
	})
}

func (n *testNode) isReadOnly() bool {
	s, err := n.status()
	return err == nil && s.Role == "read-only" && s.ReadOnly != ""
}

// A node alone whose disk fills up under buys: buys stop at the reserve, payments and the
// seller's commands go on; when nothing can be written it shows what it has, also after a
// restart; with room again it sells on, and nothing was lost.
func TestFullDisk(t *testing.T) {
	testenv.TakesLong(t, "a disk that fills up")
	if !withOwnMounts(t) {
		return
	}
	n := newNodes(t, 1)[0]
	n.extra = append(n.extra, "--payment", "sandbox", "--user-requests-per-second", "0")
	disk := onSmallDisk(t, n)
	n.start()
	leaderAmong(t, []*testNode{n})
	openGig(t, n, 1<<20)
	c := gather([]*testNode{n}, 4)
	c.buysOn(t)
	payer, cancels := n.mustBuy("payer", "gig"), n.mustBuy("cancels", "gig")

	disk.fill(t, smallReserveKiB/2)
	n.untilBuys("below the reserve", sequencer.ErrStorageLow)
	n.untilAlarms("storage-low n1", "buys-held")
	paid, err := n.buyer("payer").Pay(context.Background(), payer.Order, "tok_accept")
	if err != nil || paid.State != "paid" {
		t.Errorf("a payment: %+v, %v", paid, err)
	}
	if order, err := n.buyer("cancels").CancelOrder(context.Background(), cancels.Order); err != nil || order.State != "cancelled" {
		t.Errorf("a cancellation: %+v, %v", order, err)
	}
	if !n.ready() {
		t.Error("a node that takes payments is not ready")
	}

	disk.fill(t, 0)
	testenv.Eventually(t, time.Minute, "a node that cannot write", func() bool {
		for range 100 {
			if n.isReadOnly() {
				return true
			}
			_, _ = n.seller().PauseSale(context.Background(), "gig") // until there is no room for it
			_, _ = n.seller().ResumeSale(context.Background(), "gig")
		}
		return false
	})
	if n.process.HasEnded() {
		t.Fatalf("the process ended:\n%s", n.log())
	}
	disk.fill(t, 0) // the log's segment was laid out in full; what it did not use is free again
	for _, start := range []string{"while it ran", "at a start"} {
		mustShow(t, n, start, "payer", payer.Order)
		if start == "while it ran" {
			n.stop()
			n.start()
			testenv.Eventually(t, time.Minute, "a start on a full disk", n.isReadOnly)
		}
	}

	mustNotBegin(t, filepath.Join(filepath.Dir(n.dir), "fresh"))

	disk.empty(t)
	leaderAmong(t, []*testNode{n})
	if _, err := n.seller().ResumeSale(context.Background(), "gig"); err != nil {
		t.Error(err)
	}
	n.untilBuys("with room again", nil)
	n.untilAlarms()
	mustHold(t, n, c.disperse(t))
	n.stop()
	mustAudit(t, n)
}

// mustNotBegin checks that a new node on a full disk, which has nothing to show, ends and
// says why.
func mustNotBegin(t *testing.T, dir string) {
	t.Helper()
	code, output := onsaleProcess(t, nil, "serve", "--data-dir", dir, "--http", "127.0.0.1:0", "--private", "127.0.0.1:0",
		"--peer", "127.0.0.1:0")
	if code != 1 || !strings.Contains(output, "no space left on device") {
		t.Errorf("a new node on a full disk ends with %d: %s", code, output)
	}
}

// mustShow checks what a node shows that cannot write.
func mustShow(t *testing.T, n *testNode, when, user, uid string) {
	t.Helper()
	order, err := n.order(user, uid)
	if err != nil || order.State != "paid" {
		t.Errorf("%s: an order is %+v, %v", when, order, err)
	}
	if sale, err := n.buyer(user).Ticket(context.Background(), "gig"); err != nil || sale.AvailableQuantity == 0 {
		t.Errorf("%s: the sale is %+v, %v", when, sale, err)
	}
	if err := n.tries("late"); !errors.Is(err, sequencer.ErrStorageLow) {
		t.Errorf("%s: a buy: %v", when, err)
	}
	if _, err := n.seller().PauseSale(context.Background(), "gig"); !errors.Is(err, sequencer.ErrStorageLow) {
		t.Errorf("%s: a seller's command: %v", when, err)
	}
	if n.ready() {
		t.Errorf("%s: it is ready", when)
	}
	n.untilAlarms("read-only n1")
	if code, output := onsaleProcess(t, nil, "inspect", "journal", filepath.Join(n.dir, "journal")); code != 0 {
		t.Errorf("%s: inspect ends with %d: %s", when, code, output)
	}
}

// Of three nodes one may be short of room, and even stop writing: the sale goes on and says
// so. Two that are short stop the buys, and nothing else; with room they come back, and all
// are the same.
func TestFullDisks(t *testing.T) {
	testenv.TakesLong(t, "a cluster whose disks fill up")
	if !withOwnMounts(t) {
		return
	}
	nodes := newNodes(t, 3)
	disks := map[*testNode]smallDisk{}
	for _, n := range nodes {
		n.extra = append(n.extra, "--user-requests-per-second", "0")
		disks[n] = onSmallDisk(t, n)
		n.start()
	}
	leader := leaderAmong(t, nodes)
	openGig(t, leader, 1<<20)
	c := gather(nodes, 4)
	c.buysOn(t)
	at := slices.Index(nodes, leader)
	one, other := nodes[(at+1)%3], nodes[(at+2)%3]

	disks[one].fill(t, smallReserveKiB/2)
	leader.untilAlarms("storage-low " + one.id)
	c.buysOn(t)

	disks[one].fill(t, 0)
	testenv.Eventually(t, time.Minute, "a follower that cannot write", one.isReadOnly)
	disks[one].fill(t, 0)
	c.buysOn(t)
	testenv.Eventually(t, time.Minute, "that it is told everywhere", func() bool {
		return slices.Contains(other.alarms(), "read-only "+one.id) && slices.Contains(one.alarms(), "read-only "+one.id)
	})

	disks[other].fill(t, smallReserveKiB/2)
	leader.untilBuys("two are short", sequencer.ErrStorageLow)
	if _, err := settled(t, func() (any, error) { return leader.seller().PauseSale(context.Background(), "gig") }); err != nil {
		t.Errorf("a pause: %v", err)
	}
	if _, err := settled(t, func() (any, error) { return leader.seller().ResumeSale(context.Background(), "gig") }); err != nil {
		t.Errorf("a resumption: %v", err)
	}

	disks[other].empty(t)
	c.buysOn(t)
	disks[one].empty(t)
	testenv.Eventually(t, time.Minute, "the node that could not write", func() bool {
		var s raftfsm.Status
		s, err := one.status()
		return err == nil && s.Role == "follower" && one.ready()
	})
	told := c.disperse(t)
	leaderAmong(t, nodes).untilAlarms()
	mustBeSame(t, nodes)
	mustHold(t, leaderAmong(t, nodes), told)
	for _, n := range nodes {
		n.stop()
		mustAudit(t, n)
	}
}
