package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/proof/testenv"
)

// Whichever byte of a journal is flipped, the audit tells. Damage to the newest
// block looks like an append that was cut short: that is a note, and a finding
// for who knows which block must be there.
func TestAuditOfDamage(t *testing.T) {
	o := openOffice(t)
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "3")
	for i := range 5 {
		o.buy([]int{0, 3}[i/3], fmt.Sprintf("user-%d", i), "buy", "--key", "k")
	}
	head := o.server.node.Status().JournalHash
	o.close()
	journal := filepath.Join(o.dir, "journal")
	has(t, command(t, 0, "audit", journal, "--contains", head), "clean")
	has(t, command(t, 2, "audit", journal, "--contains", head[1:]), "64 hexadecimal digits")
	path := onlySegment(t, journal)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(sound) && !t.Failed(); at += testenv.Pick(7, 61) { // each block has every kind of field
		damaged := slices.Clone(sound)
		damaged[at] ^= 0x10
		if err := os.WriteFile(path, damaged, 0o640); err != nil {
			t.Fatal(err)
		}
		exit, text := attempt("audit", journal)
		if exit != 6 && exit != 1 && !strings.Contains(text, "that are no block") {
			t.Errorf("byte %d of %d flipped: exit code %d\n%s", at, len(sound), exit, text)
		}
		if exit, text := attempt("audit", journal, "--contains", head); exit != 6 && exit != 1 {
			t.Errorf("byte %d of %d flipped, head known: exit code %d\n%s", at, len(sound), exit, text)
		}
	}
}

// onlySegment returns the one file of a young log.
func onlySegment(t testing.TB, dir string) string {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	return segments[0]
}

// A node does not start on a damaged log: it names the file, and cuts nothing.
func TestStartOnDamage(t *testing.T) {
	n := newNodes(t, 1)[0]
	n.start()
	leaderAmong(t, []*testNode{n})
	openGig(t, n, 1000)
	for i := range 20 {
		n.run(t, 0, "buy", "--user", fmt.Sprintf("user-%d", i))
	}
	// Up to a snapshot the journal is durable; behind one it is replayed.
	command(t, 0, "snapshot", "save", filepath.Join(t.TempDir(), "backup"), "--private", n.private, "--secret-file", n.secretFile)
	n.stop()
	for _, folder := range []string{"raft-log", "journal"} {
		path := onlySegment(t, filepath.Join(n.dir, folder))
		sound, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damage(t, path)
		code, output := onsaleProcess(t, nil, n.arguments()...)
		if code != 1 {
			t.Errorf("damaged %s: exit code %d", folder, code)
		}
		has(t, output, filepath.Base(path))
		if info, err := os.Stat(path); err != nil || info.Size() != int64(len(sound)) {
			t.Errorf("%s was changed: %v", path, err)
		}
		if err := os.WriteFile(path, sound, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	n.start() // nothing else was touched
	leaderAmong(t, []*testNode{n})
	has(t, n.run(t, 0, "order", "list", "--user", "user-19"), "reserved")
	n.stop()
	mustAudit(t, n)
}
