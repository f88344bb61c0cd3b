//go:build !race

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/proof/testenv"
	"onsale/wal"
	"onsale/wal/waltest"
)

// Not with the race detector: it brings checkptr, which ends the process, past every
// recover, where bbolt computes a pointer out of a damaged page. Without it that is a
// fault, which readVotes turns into an error.

// Whatever happens to the file of votes, it says what was written, or it is refused.
func TestEveryDamageOfVotes(t *testing.T) {
	dir := testenv.MemoryDir(t)
	path := filepath.Join(dir, VotesName)
	v, err := OpenVotes(wal.OS{}, dir, false, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	want := func(v *Votes) error {
		term, err1 := v.Term()
		voted, err2 := v.GetUint64([]byte("LastVoteTerm"))
		who, err3 := v.Get([]byte("LastVoteCand"))
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		if term != 77 || voted != 76 || string(who) != "127.0.0.1:7101" {
			return fmt.Errorf("term %d, voted in %d for %q", term, voted, who)
		}
		return nil
	}
	for _, err := range []error{v.SetUint64([]byte("CurrentTerm"), 77), v.SetUint64([]byte("LastVoteTerm"), 76), v.Set([]byte("LastVoteCand"), []byte("127.0.0.1:7101")), want(v), v.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused, served := 0, 0
	every, at := testenv.Pick(1, 31), 0
	waltest.EveryDamage(sound, func(what string, data []byte) {
		if at++; at%every != 0 {
			return
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		v, err := OpenVotes(wal.OS{}, dir, true, func(error) {})
		if err != nil {
			if refused++; !errors.Is(err, ErrVotes) || !strings.Contains(err.Error(), path) {
				t.Fatalf("%s: %v", what, err)
			}
			return
		}
		served++
		if err := errors.Join(want(v), v.Close()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	})
	t.Logf("%d damages refused, %d without effect", refused, served)
	if refused < 1000/every || served == 0 {
		t.Fatalf("%d refused, %d without effect", refused, served)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenVotes(wal.OS{}, dir, true, func(error) {}); !errors.Is(err, ErrVotes) {
		t.Fatalf("missing: %v", err)
	}
}
