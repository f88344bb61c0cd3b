package store

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A member that is down for an hour leaves a line a minute, with how many were left out;
// another member, another message and what an operator asked to debug are told apart.
func TestRepeatedLinesAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := RaftLogger(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))).Named("raft")
		for i := range 3600 * 5 {
			log.Error("failed to heartbeat to", "peer", "n3:7101", "backoff time", time.Duration(i), "error", fmt.Errorf("refused %d", i))
			time.Sleep(200 * time.Millisecond)
		}
		log.Error("failed to heartbeat to", "peer", "n2:7101", "error", errors.New("refused"))
		log.Warn("failed to contact", "server-id", "n3")
		for range 3 {
			log.Debug("failed to contact", "server-id", "n3")
		}
		said := text.String()
		for words, want := range map[string]int{"peer=n3:7101": 60, "left_out=299": 59, "peer=n2:7101": 1, "level=WARN": 1, "level=DEBUG": 3} {
			if got := strings.Count(said, words); got != want {
				t.Errorf("%d lines with %s, want %d", got, words, want)
			}
		}
	})
}

// More lines than are remembered are told each, until some may be told again.
func TestRepeatsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r repeats
		for i := range repeatsMax + 10 {
			if _, tell := r.tell(fmt.Sprint(i)); !tell {
				t.Fatalf("line %d was left out", i)
			}
		}
		if _, tell := r.tell("0"); tell || len(r.lines) != repeatsMax {
			t.Errorf("%d lines are remembered", len(r.lines))
		}
		time.Sleep(repeatInterval)
		if _, tell := r.tell("another"); !tell || len(r.lines) != 1 {
			t.Errorf("%d lines are remembered after a while", len(r.lines))
		}
	})
}
