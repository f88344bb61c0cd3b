package procs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStopReturnsTheExitCode(t *testing.T) {
	p := start(t, behaving("polite"))
	awaitLine(t, p, "ready")
	if code, err := p.Stop(limit); code != 5 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}
	if code, err := p.Stop(limit); code != 5 || err != nil {
		t.Errorf("once more: exit code %d, %v", code, err)
	}
	if err := p.Pause(); err != nil {
		t.Errorf("a signal to a process that has ended: %v", err)
	}
}

func TestStopKillsWhatDoesNotStop(t *testing.T) {
	p := start(t, behaving("stubborn"))
	awaitLine(t, p, "ready")
	code, err := p.Stop(50 * time.Millisecond)
	if code != -1 || !errors.Is(err, ErrNotStopped) || !p.HasEnded() {
		t.Errorf("exit code %d, %v, ended: %v", code, err, p.HasEnded())
	}
}

func TestWait(t *testing.T) {
	p := start(t, behaving("dies"))
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if code, err := p.Wait(ctx); code != 3 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}

	p = start(t, behaving("sleeps"))
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := p.Wait(ended); !errors.Is(err, context.Canceled) || p.HasEnded() {
		t.Errorf("%v, ended: %v", err, p.HasEnded())
	}
	p.Kill()
	if code, err := p.Wait(ctx); code != -1 || err != nil {
		t.Errorf("killed: exit code %d, %v", code, err)
	}
}

// A paused process answers nothing, and everything when it goes on.
func TestPauseAndResume(t *testing.T) {
	p := start(t, behaving("echoes"))
	conn := dial(t, p)
	answers := bufio.NewReader(conn)
	ask := func(word string) {
		if _, err := fmt.Fprintln(conn, word); err != nil {
			t.Fatal(err)
		}
	}
	answer := func(limit time.Duration) (string, error) {
		if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
			t.Fatal(err)
		}
		line, err := answers.ReadString('\n')
		return strings.TrimSpace(line), err
	}

	ask("one")
	if got, err := answer(limit); got != "one" {
		t.Fatalf("%q, %v", got, err)
	}

	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	ask("two")
	if got, err := answer(50 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("paused: %q, %v", got, err)
	}

	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	if got, err := answer(limit); got != "two" {
		t.Fatalf("%q, %v", got, err)
	}
}

// Kill returns when a paused process is gone, too.
func TestKillPaused(t *testing.T) {
	p := start(t, behaving("sleeps"))
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if !p.HasEnded() {
		t.Error("killed, and runs")
	}
}

// When a parent is killed, its child is gone too: its connection breaks.
func TestEndsWithParent(t *testing.T) {
	if EndWithParent(nil) == nil {
		t.Skip("this system tells no process of its parent's end")
	}
	p := start(t, behaving("parent"))
	conn := dial(t, p)
	p.Kill()
	if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := io.ReadAll(conn); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the child outlived its parent")
	}
}

// A log file is appended to, and each run's output is its own.
func TestLogFile(t *testing.T) {
	c := behaving("dies")
	c.LogPath = filepath.Join(t.TempDir(), "log")
	want := ""
	for range 3 {
		p := start(t, c)
		<-p.Ended()
		if p.Output() != "out of\nluck\nunfinished" {
			t.Errorf("output of a run: %q", p.Output())
		}
		want += p.Output()
	}
	if whole, err := os.ReadFile(c.LogPath); err != nil || string(whole) != want {
		t.Errorf("%q, %v", whole, err)
	}
}

func TestWrongStarts(t *testing.T) {
	for _, c := range []Config{
		{Path: filepath.Join(t.TempDir(), "nothing")},
		{Path: os.Args[0], LogPath: filepath.Join(t.TempDir(), "no", "folder")},
		{Path: os.Args[0], Dir: filepath.Join(t.TempDir(), "nowhere")},
	} {
		if _, err := Start(c); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestInNetwork(t *testing.T) {
	given := Config{Path: "/bin/server", Args: []string{"--fast"}}
	c := given.InNetwork("net1")
	if want := []string{"netns", "exec", "net1", "/bin/server", "--fast"}; c.Path != "ip" || !slices.Equal(c.Args, want) || c.Name != "server" {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(given.Args, []string{"--fast"}) {
		t.Errorf("the given one became %+v", given)
	}
}
