package procs

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A process that dies at its start fails the wait at once, even while it is asked, with what
// it wrote.
func TestAwaitNoticesDeath(t *testing.T) {
	p := start(t, behaving("dies"))
	began := time.Now()
	err := p.Await(t.Context(), func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "luck") {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > limit/2 {
		t.Errorf("noticed after %v", took)
	}
}

// What answers in a dead process' place is not the process.
func TestAwaitBelievesNoOther(t *testing.T) {
	p := start(t, behaving("dies"))
	<-p.Ended()
	if err := p.Await(t.Context(), func(context.Context) error { return nil }); !errors.Is(err, ErrEnded) {
		t.Errorf("%v", err)
	}
}

func TestAwaitAsksAgain(t *testing.T) {
	p := start(t, behaving("sleeps"))
	asked := 0
	err := p.Await(t.Context(), func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if asked != 3 || err != nil {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

func TestAwaitEndsInTime(t *testing.T) {
	p := start(t, behaving("sleeps"))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	last := errors.New("last")
	err := p.Await(ctx, func(context.Context) error { return last })
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, last) || p.HasEnded() {
		t.Errorf("%v, ended: %v", err, p.HasEnded())
	}
}

// A line counts when its writer has ended since; an unfinished one does not.
func TestAwaitLine(t *testing.T) {
	p := start(t, behaving("dies"))
	<-p.Ended()
	if match, err := p.AwaitLine(t.Context(), regexp.MustCompile("^out (of)$")); err != nil || match[1] != "of" {
		t.Errorf("%q, %v", match, err)
	}
	if match, err := p.AwaitLine(t.Context(), regexp.MustCompile("unfinished")); !errors.Is(err, ErrEnded) {
		t.Errorf("%q, %v", match, err)
	}
}

// An error shows the end of a long output only.
func TestTail(t *testing.T) {
	p := start(t, behaving("babbles"))
	_, err := p.AwaitLine(t.Context(), listening)
	if !errors.Is(err, ErrEnded) || !strings.HasSuffix(err.Error(), "0007") || strings.Contains(err.Error(), "first") {
		t.Errorf("%v", err)
	}
	if len(err.Error()) > 2*tailBytes {
		t.Errorf("%d bytes of error", len(err.Error()))
	}
}
